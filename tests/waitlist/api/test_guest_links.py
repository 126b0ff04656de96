"""Links that are none, that are over, and that are another organization's."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chassis.crypto import Sealer
from devstack.ports import HOST, free_port
from support.guest_page import Link, link_of
from support.servers import Servers
from support.waitlist_desk import Bistro, Desk
from support.waitlist_service import PATH, Guest, WaitlistService, running_waitlist
from waitlist.domain.entry import Entry
from waitlist.service.claims import Claims

FAR = datetime(2199, 1, 1, tzinfo=UTC)
TAMPERED: dict[str, Callable[[str], str]] = {
    "of no shape": lambda _: "none",
    "first letter": lambda good: ("A" if good[0] != "A" else "B") + good[1:],
    "a letter inside": lambda good: good[:40] + ("A" if good[40] != "A" else "B") + good[41:],
    "cut": lambda good: good[:-1],
    "longer": lambda good: good + "A",
    "padded": lambda good: good + "=",
    "with a dot": lambda good: good[:10] + "." + good[10:],
    "with NUL": lambda good: good + "%00",
    "with more path": lambda good: good + "%2F..",
    "upper case": lambda good: good.swapcase(),
    "endless": lambda _: "A" * 4000,
}


def claims_of(service: WaitlistService, *, key: bytes | None = None) -> Claims:
    """Whoever makes links for the service, or with a key of their own."""
    return Claims("", Sealer(key or service.settings.sealing_key))


def link_to(service: WaitlistService, claims: Claims, entry: Entry, until: datetime = FAR) -> Link:
    """A link to an entry."""
    return Link(service, claims.url(entry, until).removeprefix("/w/"))


async def an_entry(desk: Desk, bistro: Bistro) -> Entry:
    """Somebody who waits."""
    return (await desk.use.entries.get(desk.actor, (await bistro.joins())["id"])).entry


async def is_nothing(link: Link) -> None:
    """A link shows what any made-up one does, and its buttons do nothing."""
    nothing = await Link(link.service, "made-up").get()
    for answer in (await link.get(), await link.send("POST", data={"deed": "leave"})):
        assert (answer.status, answer.html) == (404, nothing.html)


@pytest.mark.parametrize("how", TAMPERED)
async def test_a_link_that_was_tampered_with_is_none(
    desk: Desk, bistro: Bistro, service: WaitlistService, how: str
) -> None:
    entry = await an_entry(desk, bistro)
    good = link_to(service, claims_of(service), entry)
    assert (await good.get()).status == 200
    await is_nothing(Link(service, TAMPERED[how](good.token)))
    assert await desk.status(entry.id) == "waiting"


async def test_a_link_of_another_key_is_none(desk: Desk, bistro: Bistro, service: WaitlistService) -> None:
    entry = await an_entry(desk, bistro)
    await is_nothing(link_to(service, claims_of(service, key=bytes(32)), entry))
    assert await desk.status(entry.id) == "waiting"


async def test_a_link_reaches_no_entry_of_another_organization(
    desk: Desk, bistro: Bistro, service: WaitlistService
) -> None:
    entry, stranger = await an_entry(desk, bistro), await service.staff()
    await is_nothing(link_to(service, claims_of(service), replace(entry, org_id=stranger.org_id)))
    await is_nothing(link_to(service, claims_of(service), replace(entry, id="wle_nothing")))
    assert await desk.status(entry.id) == "waiting"


async def test_a_link_reaches_its_own_entry_alone(desk: Desk, bistro: Bistro, service: WaitlistService) -> None:
    entry, other = await an_entry(desk, bistro), await an_entry(desk, bistro)
    link = link_to(service, claims_of(service), entry)
    assert (await link.press("leave")).shown.parts["over"]
    assert await desk.status(other.id) == "waiting"


async def test_a_link_is_over_a_day_after_its_time(desk: Desk, bistro: Bistro, service: WaitlistService) -> None:
    entry = await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    link = await link_of(service, entry["id"])
    end = (await desk.live(entry["id"])).end_time
    desk.watch.ahead = end + timedelta(hours=23, minutes=59) - datetime.now(UTC)
    assert (await link.get()).status == 200
    desk.watch.ahead = end + timedelta(hours=24, minutes=1) - datetime.now(UTC)
    for answer in (await link.get(), await link.send("POST", data={"deed": "leave"})):
        assert (answer.status, answer.shown.text) == (410, "Waitlist This link has expired.")
    desk.watch.ahead = timedelta()
    assert await desk.status(entry["id"]) == "notified"


async def test_while_booking_is_away_the_guest_is_told_to_come_again(
    desk: Desk, bistro: Bistro, service: WaitlistService, servers: Servers, staff: Guest
) -> None:
    entry = await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    link = await link_of(service, entry["id"])
    shown = (await link.get()).shown
    away = f"http://{HOST}:{free_port()}"
    async with running_waitlist(servers, service.booking, booking_url=away) as alone:
        cut_off = replace(link, service=alone)
        assert (await cut_off.get()).status == 503
        answer = await cut_off.send("POST", data=shown.forms["accept"])
        assert answer.headers["Location"].endswith("?refused=unavailable")
    assert "booking" in (await link.submit(shown, "accept")).shown.parts
    assert (await staff.waitlist.get(f"{PATH}/{entry['id']}")).data["status"] == "converted"


async def test_logs_do_not_have_the_link(
    desk: Desk, bistro: Bistro, service: WaitlistService, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = await an_entry(desk, bistro)
    link = link_to(service, claims_of(service), entry)
    await link.get()
    await link.post(deed="leave")
    for method, query in (("OPTIONS", ""), ("DELETE", ""), ("GET", "/"), ("GET", "/more")):
        assert (await link.send(method, query)).status in {404, 405}
    logged = capsys.readouterr().out
    assert "path=/w/{token}" in logged
    assert link.token not in logged
