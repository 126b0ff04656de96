"""OAuth tokens: asked for as RFC 6749 says, one request at a time, kept until shortly before they expire."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import web

from chassis.outbound import Guard
from devstack.ports import free_port
from support.dispatcher import LOOPBACK
from support.endpoints import Endpoint, endpoint, status
from support.token_endpoint import TokenEndpoint, token_endpoint
from webhook_dispatcher.client.sender import Sender
from webhook_dispatcher.domain.auth import ClientCredentials
from webhook_dispatcher.domain.exchange import Answer, Exchange, Failure, FailureKind

SECONDS = 1.5


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    one = Sender(Guard(LOOPBACK), seconds=SECONDS, user_agent="Slotwire/test")
    async with one.opened():
        yield one


async def post(sender: Sender, receiver: Endpoint, tokens: TokenEndpoint) -> Exchange:
    return await sender.post(receiver.url, {"content-type": "application/json"}, b"{}", tokens.credentials)


def bearers(receiver: Endpoint) -> list[str]:
    return [request.headers["authorization"] for request in receiver.requests]


def no_token(exchange: Exchange) -> str:
    assert isinstance(exchange, Failure), exchange
    assert exchange.kind is FailureKind.OAUTH
    assert "a:secret" not in exchange.detail
    return exchange.detail


async def test_a_token_is_asked_for_as_the_rfc_says_and_kept(sender: Sender) -> None:
    async with token_endpoint() as tokens, endpoint() as receiver:
        for _ in range(3):
            assert isinstance(await post(sender, receiver, tokens), Answer)
    assert bearers(receiver) == ["Bearer token-1"] * 3
    assert tokens.asked == [
        {
            "kind": "Basic",
            "client": "slotwire",
            "secret": "a:secret+%41/ü",
            "grant_type": "client_credentials",
            "scope": "hooks.write hooks.read",
            "audience": "https://hooks.example",
        }
    ]


async def test_scope_and_audience_are_left_out_where_there_are_none(sender: Sender) -> None:
    async with token_endpoint() as tokens, endpoint() as receiver:
        bare = replace(tokens.credentials, scope=None, audience=None)
        assert isinstance(await sender.post(receiver.url, {}, b"{}", bare), Answer)
    assert tokens.asked[0].keys() == {"kind", "client", "secret", "grant_type"}


async def test_many_attempts_at_once_ask_once(sender: Sender) -> None:
    async with token_endpoint(pause=0.1) as tokens, endpoint() as receiver:
        found = await asyncio.gather(*(post(sender, receiver, tokens) for _ in range(20)))
        assert all(isinstance(one, Answer) for one in found)
    assert len(tokens.asked) == tokens.most_at_once == 1
    assert set(bearers(receiver)) == {"Bearer token-1"}


async def test_an_attempt_that_ends_early_takes_the_token_from_nobody(sender: Sender) -> None:
    async with token_endpoint(pause=0.2) as tokens, endpoint() as receiver:
        first, second = [asyncio.create_task(post(sender, receiver, tokens)) for _ in range(2)]
        await asyncio.sleep(0.1)
        first.cancel()
        assert isinstance(await second, Answer)
    assert len(tokens.asked) == len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        pytest.param({"expires_in": 1}, 2, id="it expires in a second"),
        pytest.param({"expires_in": "1"}, 2, id="written as text"),
        pytest.param({"expires_in": 0}, 2, id="expired at once"),
        pytest.param({"expires_in": -5}, 2, id="before it was made"),
        pytest.param({}, 1, id="it does not tell"),
        pytest.param({"expires_in": "soon"}, 1, id="no number"),
        pytest.param({"expires_in": True}, 1, id="no number either"),
        pytest.param({"expires_in": 1e300}, 1, id="never"),
    ],
)
async def test_a_token_is_given_up_shortly_before_it_expires(
    sender: Sender, told: dict[str, object], asked: int
) -> None:
    async with token_endpoint(more={"token_type": "bearer", **told}) as tokens, endpoint() as receiver:
        await post(sender, receiver, tokens)
        await asyncio.sleep(0.85)  # a fifth of the second is left
        await post(sender, receiver, tokens)
    assert len(tokens.asked) == asked
    assert bearers(receiver)[1] == f"Bearer token-{asked}"


async def test_a_refused_token_is_replaced_once(sender: Sender) -> None:
    async with token_endpoint() as tokens, endpoint(status(204, 401, 204, 401)) as receiver:
        first, second, third = [await post(sender, receiver, tokens) for _ in range(3)]
    assert [one.status for one in (first, second, third) if isinstance(one, Answer)] == [204, 204, 401]
    assert bearers(receiver) == [f"Bearer token-{number}" for number in (1, 1, 2, 2, 3)]


async def test_attempts_that_are_refused_together_ask_for_one_other_token(sender: Sender) -> None:
    def answer(receiver: Endpoint) -> web.Response:
        return web.Response(status=401 if bearers(receiver)[-1] == "Bearer token-1" else 204)

    async with token_endpoint(pause=0.05) as tokens, endpoint(answer) as receiver:
        found = await asyncio.gather(*(post(sender, receiver, tokens) for _ in range(10)))
    assert {one.status for one in found if isinstance(one, Answer)} == {204}
    assert len(tokens.asked) == 2


@pytest.mark.parametrize(
    ("instead", "told"),
    [
        ((401, b'{"error": "invalid_client"}'), "the token endpoint answered 401 (invalid_client)"),
        ((400, b'{"error": "a\\r\\nb"}'), "the token endpoint answered 400"),
        ((500, b"<html>"), "the token endpoint answered 500"),
        ((307, b""), "the token endpoint answered 307"),
        ((200, b"<html>"), "the token endpoint answered no access_token that can be sent"),
        ((200, b"[]"), "the token endpoint answered no access_token that can be sent"),
        ((200, b'{"access_token": 5}'), "the token endpoint answered no access_token that can be sent"),
        (
            (200, b'{"access_token": "a\\r\\nwebhook-id: forged", "token_type": "Bearer"}'),
            "the token endpoint answered no access_token that can be sent",
        ),
        (
            (200, b'{"access_token": "a", "token_type": "mac"}'),
            "the token endpoint answered no token of the type Bearer",
        ),
        (
            (200, b'{"access_token": "' + b"a" * 1_000_000),
            "the token endpoint answered no access_token that can be sent",
        ),
    ],
)
async def test_without_a_token_nothing_is_sent(sender: Sender, instead: tuple[int, bytes], told: str) -> None:
    async with token_endpoint(instead=instead) as tokens, endpoint() as receiver:
        assert no_token(await post(sender, receiver, tokens)) == told
        assert receiver.requests == []
        tokens.instead = None
        assert isinstance(await post(sender, receiver, tokens), Answer)
    assert len(tokens.asked) == 2


async def test_a_token_endpoint_that_hangs_ends_the_attempt_and_delays_nobody(sender: Sender) -> None:
    async with token_endpoint(pause=30) as tokens, endpoint() as receiver:
        began = time.perf_counter()
        waiting = asyncio.create_task(post(sender, receiver, tokens))
        await asyncio.sleep(0)
        assert isinstance(await sender.post(receiver.url, {}, b"{}"), Answer)
        assert time.perf_counter() - began < 0.4
        assert no_token(await waiting) == "the token endpoint gave no complete answer within 0.5 s"
        assert time.perf_counter() - began < SECONDS


async def test_a_token_endpoint_inside_is_never_asked() -> None:
    async with token_endpoint() as tokens, endpoint() as receiver:
        guarded = Sender(Guard(()), seconds=SECONDS, user_agent="Slotwire/test")
        async with guarded.opened():
            detail = no_token(await post(guarded, receiver, tokens))
    assert detail == "the token endpoint could not be asked: 127.0.0.1 is refused: loopback"
    assert (receiver.requests, tokens.asked) == ([], [])


async def test_a_token_endpoint_that_is_away_is_told(sender: Sender) -> None:
    async with endpoint() as receiver:
        away = ClientCredentials(f"http://127.0.0.1:{free_port()}/", "a", "b", None, None)
        assert "could not be asked: " in no_token(await sender.post(receiver.url, {}, b"{}", away))


async def test_other_credentials_get_a_token_of_their_own(sender: Sender) -> None:
    async with token_endpoint() as tokens, endpoint() as receiver:
        for secret in ("one", "other", "one"):
            await sender.post(receiver.url, {}, b"{}", replace(tokens.credentials, client_secret=secret))
    assert bearers(receiver) == [f"Bearer token-{number}" for number in (1, 2, 1)]
    assert "one" not in json.dumps([request.headers for request in receiver.requests])
