"""«the resolver vets every address …, IP literals too, and connects to the vetted address (no rebinding)»"""

import pytest

from chassis.outbound import Guard, RefusedUrlError
from devstack.ports import HOST
from support.dispatcher import LOOPBACK
from support.endpoints import endpoint
from support.names import Names, blocked, post
from webhook_dispatcher.domain.exchange import Answer, Failure


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[fe80::1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[2002:a9fe:a9fe::]",
    ],
)
async def test_an_ip_literal_is_vetted_although_it_is_never_resolved(host: str) -> None:
    assert "is refused" in blocked(await post(Guard(()), f"http://{host}:9/"))


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "[::1%25lo]", "[fe80::1%25lo]", "[::ffff:127.0.0.1%25lo]"],
)
async def test_odd_forms_of_an_address_reach_nothing(host: str) -> None:
    exchange = await post(Guard(()), f"http://{host}:9/")
    assert isinstance(exchange, Failure)


@pytest.mark.parametrize(
    "addresses", [("127.0.0.1",), ("8.8.8.8", "10.0.0.1"), ("2606:4700::1111", "fd00::1"), ("169.254.169.254",)]
)
async def test_a_name_with_one_bad_address_is_refused_whole(addresses: tuple[str, ...]) -> None:
    assert "is refused" in blocked(await post(Guard((), Names(addresses)), "http://hooks.example:9/"))


async def test_a_name_that_changes_its_mind_is_never_followed_inside() -> None:
    """Vetted as public at creation, it then resolves to loopback, where a server listens."""
    async with endpoint() as inside:
        names = Names(("8.8.8.8",), (HOST,), (HOST,))
        guard = Guard((), names)
        url = inside.url.replace(HOST, "rebinding.example")
        await guard.vet(url, allow_http=True)
        assert "loopback" in blocked(await post(guard, url))
    assert names.asked == 2
    assert inside.requests == []


async def test_what_was_vetted_is_what_is_connected_to() -> None:
    async with endpoint() as inside:
        guard = Guard(LOOPBACK, Names((HOST,)))  # a second look-up would find the list of answers used up
        exchange = await post(guard, inside.url.replace(HOST, "hooks.example"))
        assert isinstance(exchange, Answer)
    assert inside.requests[0].headers["host"].startswith("hooks.example:")


async def test_creation_tells_why_and_lets_unresolved_names_pass() -> None:
    guard = Guard((), Names(("8.8.8.8", "10.1.2.3")))
    with pytest.raises(RefusedUrlError, match=r"^must lead to a public address; 10\.1\.2\.3 is refused: private$"):
        await guard.vet("https://hooks.example/", allow_http=False)
    real = Guard(())
    with pytest.raises(RefusedUrlError, match="loopback"):
        await real.vet("https://localhost/", allow_http=False)
    await real.vet("https://does-not-exist.invalid/", allow_http=False)
