"""The guest's own page over real HTTP: what it shows, and what its buttons do."""

import asyncio
import base64
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from chassis.crypto import Sealer
from chassis.postgres import Database
from support.booking_service import SOON
from support.guest_page import Link, link_of
from support.servers import Servers
from support.waiting import all_told
from support.waiting_entries import waits
from support.waitlist_desk import Bistro, Desk, confirmed, held, served
from support.waitlist_service import DATE, PATH, Guest, WaitlistService, running_waitlist, somebody
from waitlist.domain.entry import queue_of
from waitlist.service.claims import CONTEXT, Claims

NEW_YORK = ZoneInfo("America/New_York")
WRITTEN_BY_ITSELF = frozenset({"queues", "sweep"})
"""The tables to which the running service writes by itself: what its sweep finds, and what it hears of."""


def local(instant: datetime) -> str:
    """An instant as guests in New York read it."""
    there = instant.astimezone(NEW_YORK)
    return f"{there:%A} {there.day} {there:%B %Y}, {there:%H:%M}"


async def offered(desk: Desk, bistro: Bistro, service: WaitlistService) -> Link:
    """Put somebody on the waitlist, and offer them the bistro's table."""
    entry = await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    return await link_of(service, entry["id"])


async def everything(db: Database) -> dict[str, list[str]]:
    """All that the service has stored, of anybody, but for what it writes by itself.

    That something fell free is noted with the offers there, however late or often it is heard.
    """
    async with db.connection() as conn:
        tables = await conn.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        names = [row["tablename"] for row in tables if row["tablename"] not in WRITTEN_BY_ITSELF]
        return {
            name: [
                row["t"]
                for row in await conn.fetch(f"SELECT (to_jsonb(t) - 'reopened')::text AS t FROM {name} t ORDER BY 1")
            ]
            for name in names
        }


async def test_it_shows_what_is_offered_until_when(desk: Desk, bistro: Bistro, service: WaitlistService) -> None:
    link = await offered(desk, bistro, service)
    page = await link.get()
    assert page.status == 200
    shown = page.shown
    assert set(shown.forms) == {"accept", "decline", "leave"}
    there = SOON.astimezone(NEW_YORK)
    window = f"between {there:%H:%M} and {there + timedelta(minutes=90):%H:%M}"
    assert f"{local(SOON)} to {there + timedelta(minutes=90):%H:%M}, for 2." in shown.parts["offer"]
    assert "It is held for you until then." in shown.parts["offer"]
    (entry,) = (await desk.staff.waitlist.get(PATH)).data
    assert local((await desk.live(entry["id"])).expires_at) in shown.parts["offer"]
    day = local(SOON).rpartition(",")[0]
    assert shown.parts["wanted"] == f"A table for 2 at Bistro on {day}, {window}."
    assert shown.parts["ahead"] == "Nobody is ahead of you."
    assert "Times are those of America/New_York." in shown.text


async def test_accepting_books_once_however_often_it_is_pressed(
    desk: Desk, bistro: Bistro, service: WaitlistService
) -> None:
    link = await offered(desk, bistro, service)
    before = (await link.get()).shown
    first = (await link.submit(before, "accept")).shown
    (booking_id,) = await confirmed(desk)
    assert booking_id in first.parts["booking"]
    assert f"You are booked {local(SOON)}" in first.parts["booking"]
    assert not first.forms
    again = (await link.submit(before, "accept")).shown
    assert again.parts == first.parts
    assert await confirmed(desk) == [booking_id]
    refused = (await link.submit(before, "decline")).shown
    assert refused.parts["booking"] == first.parts["booking"]
    assert "That offer is over" in refused.parts["outcome"]
    assert "things have changed" in (await link.post(deed="leave")).shown.parts["outcome"]
    assert await confirmed(desk) == [booking_id]


async def test_declining_passes_it_on_and_keeps_the_place(desk: Desk, bistro: Bistro, service: WaitlistService) -> None:
    link = await offered(desk, bistro, service)
    second = await bistro.joins()
    shown = (await link.press("decline")).shown
    assert set(shown.forms) == {"leave"}
    assert "offer" not in shown.parts
    assert shown.parts["ahead"] == "Nobody is ahead of you. We tell you as soon as a place is free for you."
    await desk.match(bistro.queue)
    assert await desk.status(second["id"]) == "notified"
    theirs = (await (await link_of(service, second["id"])).get()).shown
    assert theirs.parts["ahead"] == "1 party is ahead of you."


async def test_leaving_gives_the_place_back(desk: Desk, bistro: Bistro, service: WaitlistService) -> None:
    link = await offered(desk, bistro, service)
    before = (await link.get()).shown
    shown = (await link.submit(before, "leave")).shown
    assert shown.parts["over"] == "You are not on the waitlist any more."
    assert not shown.forms
    assert await held(desk) == []
    assert (await link.submit(before, "leave")).shown.parts == shown.parts
    late = (await link.submit(before, "accept")).shown
    assert late.parts["outcome"]
    assert await confirmed(desk) == []


async def test_an_offer_that_ended_while_the_page_was_open_is_told_of(
    desk: Desk, bistro: Bistro, service: WaitlistService
) -> None:
    link = await offered(desk, bistro, service)
    before = (await link.get()).shown
    desk.watch.turn(minutes=16)
    for deed in ("accept", "decline"):
        shown = (await link.submit(before, deed)).shown
        assert shown.parts["outcome"] == "That offer is over: its time ran out, or it was answered already."
        assert set(shown.forms) == {"leave"}
    # What is offered next is not answered by a page that showed another offer.
    await desk.match(bistro.queue)
    await desk.match(bistro.queue)
    now = (await link.get()).shown
    assert now.forms["accept"] != before.forms["accept"]
    for deed in ("accept", "decline"):
        assert "That offer is over" in (await link.submit(before, deed)).shown.parts["outcome"]
    assert set((await link.get()).shown.forms) == {"accept", "decline", "leave"}
    assert "booking" in (await link.submit(now, "accept")).shown.parts


async def test_whoever_is_slower_is_told_so(desk: Desk, bistro: Bistro, service: WaitlistService) -> None:
    await bistro.policy(policy="notify_all")
    entries = [await bistro.joins(), await bistro.joins()]
    await bistro.falls_free()
    await desk.match(bistro.queue)
    links = [await link_of(service, entry["id"]) for entry in entries]
    pages = [(await link.get()).shown for link in links]
    assert all("whoever accepts first gets it" in page.parts["offer"] for page in pages)
    assert "booking" in (await links[1].submit(pages[1], "accept")).shown.parts
    slower = (await links[0].submit(pages[0], "accept")).shown
    assert slower.parts["outcome"] == "Sorry, somebody else was quicker: that place is taken."
    assert set(slower.forms) == {"leave"}


async def test_a_spot_of_an_event_can_be_had(desk: Desk, staff: Guest, service: WaitlistService) -> None:
    instance = await staff.full_instance(timezone="Asia/Kathmandu")
    entry = await staff.joined(eventInstanceId=instance["uid"], requestedDate=None)
    put = await staff.booking.patch(f"/v2/event_instances/{instance['uid']}", {"max_attendance": 2})
    assert put.status == 200, put.body
    await desk.match(queue_of(None, None, instance["uid"]))
    link = await link_of(service, entry["id"])
    shown = (await link.get()).shown
    there = SOON + timedelta(hours=5, minutes=45)
    assert shown.parts["wanted"].startswith(
        f"1 place at {instance['title']}, {there:%A} {there.day} {there:%B %Y, %H:%M} to"
    )
    assert "Times are those of Asia/Kathmandu." in shown.text
    assert "booking" in (await link.submit(shown, "accept")).shown.parts


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_looking_changes_nothing(
    desk: Desk, bistro: Bistro, service: WaitlistService, db: Database, method: str
) -> None:
    link = await offered(desk, bistro, service)
    await all_told(db)
    before, held_before = await everything(db), await held(desk)
    assert len(before["entries"]) > 0
    for query in ("", "?refused=offer_gone", "?deed=accept", "?deed=leave"):
        for _ in range(2):
            assert (await link.send(method, query)).status == 200
    assert await everything(db) == before
    assert await held(desk) == held_before


async def test_what_people_wrote_is_text(desk: Desk, staff: Guest, service: WaitlistService) -> None:
    evil = '<script>alert("x")</script>\'"&{{ 7 * 7 }}'
    location_id = await staff.location(name=evil)
    await staff.booking.table(location_id, 2)
    guest = await service.client(staff)
    contact = {**somebody(), "name": evil}
    entry = await guest.joined(locationId=location_id, partySize=2, notes=evil, contact=contact)
    await desk.match(queue_of(location_id, date.fromisoformat(DATE), None))
    page = await (await link_of(service, entry["id"])).get(f"?refused={evil}")
    assert "<script" not in page.html
    assert page.shown.tags.isdisjoint({"script", "img", "link", "iframe"})
    assert page.shown.parts["notes"] == f"Your note: {evil}"
    assert page.shown.text.count(evil) == 3
    assert page.shown.parts["outcome"] == "That could not be booked online. Please get in touch with us."


async def test_what_staff_noted_is_theirs(desk: Desk, bistro: Bistro, service: WaitlistService) -> None:
    entry = await bistro.joins(notes="Complains a lot")
    await bistro.falls_free()
    await desk.match(bistro.queue)
    assert "Complains" not in (await (await link_of(service, entry["id"])).get()).html


async def test_what_staff_noted_on_a_guests_own_entry_is_theirs(
    desk: Desk, bistro: Bistro, service: WaitlistService, client: Guest
) -> None:
    entry = await bistro.joins(userId=client.client_id, contact=None)
    path = f"{PATH}/{entry['id']}"
    assert (await client.waitlist.send("PATCH", path, {"notes": "By the window"})).status == 200
    await bistro.falls_free()
    await desk.match(bistro.queue)
    link = await link_of(service, entry["id"])
    assert (await link.get()).shown.parts["notes"] == "Your note: By the window"
    assert (await desk.staff.waitlist.send("PATCH", path, {"notes": "Complains a lot"})).status == 200
    page = await link.get()
    assert "Complains" not in page.html
    assert "notes" not in page.shown.parts


async def test_the_link_is_kept_nowhere_and_the_page_loads_nothing(
    desk: Desk, bistro: Bistro, service: WaitlistService
) -> None:
    link = await offered(desk, bistro, service)
    leads = await link.send("POST", data={"deed": "decline", "offer": "wlo_other"})
    for answer in (await link.get(), leads, await Link(service, "none").get()):
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Robots-Tag"] == "noindex"
        assert "://" not in answer.html


@pytest.mark.parametrize(
    "body",
    [
        "",
        "deed=",
        "deed=convert",
        "deed=%00",
        '{"deed": "leave"}',
        "deed=leave\u00e9",
        "&".join(["deed=leave"] * 50),
        "x" * 10_000,
    ],
)
async def test_a_form_that_is_none_of_ours_changes_nothing(
    desk: Desk, bistro: Bistro, service: WaitlistService, db: Database, body: str
) -> None:
    link = await offered(desk, bistro, service)
    await all_told(db)
    before = await everything(db)
    answer = await link.send("POST", data=body.encode())
    assert (answer.status, answer.shown.parts) == (400, {})
    assert await everything(db) == before


async def test_an_offer_of_another_shape_is_no_offer(desk: Desk, bistro: Bistro, service: WaitlistService) -> None:
    link = await offered(desk, bistro, service)
    for offer in ("x" * 1000, "\0", "wlo_nothing"):
        for deed in ("accept", "decline"):
            answer = await link.send("POST", data={"deed": deed, "offer": offer})
            assert answer.headers["Location"].endswith("?refused=offer_gone")
    assert set((await link.get()).shown.forms) == {"accept", "decline", "leave"}


async def test_it_tells_how_long_others_waited(desk: Desk, bistro: Bistro, service: WaitlistService) -> None:
    await served(desk, bistro, 70, 70, 70, 70, 70)
    link = await offered(desk, bistro, service)
    assert "wait" not in (await link.get()).shown.parts  # it has its offer
    shown = (await link.press("decline")).shown
    assert shown.parts["wait"] == "Guests at a place like yours lately waited about 2 hours for theirs."


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_goes_wrong_on_our_side_is_told_by_a_page(service: WaitlistService, method: str) -> None:
    sealed = Sealer(service.settings.sealing_key).seal(b"[]", context=CONTEXT)
    token = base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
    answer = await Link(service, token).send(method, data={"deed": "leave"})
    assert (answer.status, answer.headers["Content-Type"]) == (500, "text/html; charset=utf-8")
    assert answer.shown.text.endswith("Something went wrong on our side. Please try again in a minute.")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    large = await Link(service, "none").send("POST", data=b"deed=leave&" + b"x" * 300_000)
    assert (large.status, "We did not understand that." in large.shown.text) == (413, True)


async def test_a_link_may_be_opened_so_often_in_a_minute(servers: Servers, service: WaitlistService) -> None:
    async with running_waitlist(servers, service.booking, rate_limit_per_minute=2, waitlist_matches=0) as limited:
        claims = Claims("", Sealer(limited.settings.sealing_key))
        one, other = (
            Link(limited, claims.url(waits("org_1", location_id="loc_1", day=SOON.date()), SOON)[3:]) for _ in range(2)
        )
        assert [(await one.send(method)).status for method in ("GET", "HEAD", "GET")] == [404, 404, 429]
        refused = await one.send("POST", data={"deed": "leave"})
        assert (refused.status, "That was a bit often." in refused.shown.text) == (429, True)
        assert 0 < int(refused.headers["Retry-After"]) <= 61
        assert refused.headers["RateLimit-Limit"] == "2"
        assert (await other.get()).status == 404
        assert [(await Link(limited, f"none{n}").get()).status for n in range(3)] == [404, 404, 429]


async def test_twenty_guests_press_at_once_for_the_place_that_all_were_told_of(
    desk: Desk, bistro: Bistro, service: WaitlistService
) -> None:
    """Each with the form of the guest's own page."""
    await bistro.policy(policy="notify_all")
    waiting = [await bistro.joins() for _ in range(20)]
    await bistro.falls_free()
    await desk.match(bistro.queue)
    links = await asyncio.gather(*(link_of(service, entry["id"]) for entry in waiting))
    pages = [(await link.get()).shown for link in links]
    assert all("accept" in page.forms for page in pages)

    await asyncio.gather(*(link.submit(page, "accept") for link, page in zip(links, pages, strict=True)))
    assert len(await confirmed(desk)) == 1
    statuses = [await desk.status(entry["id"]) for entry in waiting]
    assert statuses.count("converted") == 1
    await desk.match(bistro.queue)
    assert sorted([await desk.status(entry["id"]) for entry in waiting]) == ["converted", *["waiting"] * 19]
