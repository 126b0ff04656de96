"""Cal.com's webhooks, from what happens there to the bookings here, over real HTTP and Kafka."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from slotwire_contracts import FoundBy
from support.booking_service import Caller, Service, running_service
from support.calcom import Attendee, Kind, Loss
from support.calcom_service import INTEGRATION, CalcomService
from support.calcom_webhooks import Told, in_days, told_by_webhooks
from support.servers import Servers
from support.waiting import eventually

CLASS = Kind(id=60, slug="class", minutes=60, seats=True)


@pytest.fixture(scope="module")
async def booking(servers: Servers) -> AsyncIterator[Service]:
    """The booking service, which applies what is told."""
    async with running_service(servers) as running:
        yield running


@dataclass
class Office:
    """An organization and its bookings."""

    told: Told
    bookings: Caller
    schedule_id: str

    async def listed(self) -> list[dict[str, Any]]:
        return list((await self.bookings.get(f"/api/v1/bookings?schedule_id={self.schedule_id}&limit=200")).data)

    async def shows(self, *expected: tuple[str, str], within: float = 20.0) -> list[dict[str, Any]]:
        """Wait until these are the bookings: Cal.com's uid and the status of each."""

        async def are() -> bool:
            return sorted((one["external"]["uid"], one["status"]) for one in await self.listed()) == sorted(expected)

        await eventually(are, within=within)
        return await self.listed()


@pytest.fixture
async def office(service: CalcomService, booking: Service) -> AsyncIterator[Office]:
    admin = await service.caller()
    bookings = await booking.caller(admin.org_id)
    schedule_id = await bookings.schedule(capacity=50)
    async with told_by_webhooks(service, schedule_id, org_id=admin.org_id) as told:
        yield Office(told, bookings, schedule_id)


async def test_what_happens_in_calcom_is_here_in_a_moment(office: Office) -> None:
    uid = office.told.life.create(in_days(1))
    started = time.monotonic()
    assert await office.told.deliver() == [202]
    await office.shows((uid, "CONFIRMED"))
    assert time.monotonic() - started < 5
    (event,) = await office.told.events()
    (run,) = await office.told.runs()
    assert (event.data.change.found_by, event.data.change.run_id) == (FoundBy.WEBHOOK, run["id"])

    async def is_answered() -> bool:
        (run,) = await office.told.runs()
        return bool(run["status"] == "completed" and not run["unanswered"])

    await eventually(is_answered, within=10)
    (run,) = await office.told.runs()
    assert (run["kind"], run["synced"], run["fetched"]) == ("webhook", 1, 1)


@pytest.mark.parametrize("null_successor", [False, True])
async def test_a_booking_stays_one_through_all_its_life(office: Office, *, null_successor: bool) -> None:
    life, told = office.told.life, office.told
    told.calcom.defects.null_successor = null_successor
    first = life.create(in_days(1), status="pending")
    await told.deliver()
    (before,) = await office.shows((first, "PENDING"))
    life.advance(seconds=30)
    life.confirm(first)
    await told.deliver()
    await office.shows((first, "CONFIRMED"))
    life.advance(seconds=30)
    second = life.reschedule(first, in_days(2))
    await told.deliver()
    await office.shows((second, "CONFIRMED"))
    life.advance(seconds=30)
    life.request_reschedule(second, "Not then")
    await told.deliver()
    await office.shows((second, "CANCELLED"))
    life.advance(seconds=30)
    third = life.reschedule(second, in_days(3))
    await told.deliver()
    await office.shows((third, "CONFIRMED"))
    life.advance(seconds=30)
    life.cancel(third, "Ill")
    await told.deliver()
    (after,) = await office.shows((third, "CANCELLED"))
    assert after["id"] == before["id"]
    await told.quiet()


async def test_an_old_webhook_does_not_call_off_what_was_moved(office: Office) -> None:
    """The old row says that it was moved, but not to where; the webhook about it comes late."""
    life, told = office.told.life, office.told
    told.calcom.defects.null_successor = True
    old = life.create(in_days(1))
    (created,) = life.untold
    await told.deliver()
    await office.shows((old, "CONFIRMED"))
    life.advance(seconds=30)
    new = life.reschedule(old, in_days(2))
    life.untold[:] = [created]
    created.more["note"] = "so that it is another body"  # type: ignore[index]  # of a dict, in fact
    await told.deliver()
    await told.quiet()
    await office.shows((new, "CONFIRMED"))
    statuses = [event.data.resource.status.value for event in await told.events()]
    assert statuses == ["CONFIRMED", "CONFIRMED"]


async def test_absences_and_seats_are_seen_although_nothing_says_when(office: Office) -> None:
    life, told = office.told.life, office.told
    over = life.create(in_days(-0.5))
    seated = life.create(in_days(1), Attendee("Ada", "ada@guest.example"), kind=CLASS)
    await told.deliver()
    await office.shows((over, "COMPLETED"), (seated, "CONFIRMED"))
    life.advance(seconds=30)
    life.mark_absent(over)
    seat = life.add_seat(seated, Attendee("Ben", "ben@guest.example"))
    await told.deliver()
    await office.shows((over, "NO_SHOW"), (seated, "CONFIRMED"))
    life.advance(seconds=30)
    life.mark_absent(over, absent=False)
    life.remove_seat(seated, seat)
    await told.deliver()
    await office.shows((over, "COMPLETED"), (seated, "CONFIRMED"))
    await told.grow_old()
    await told.quiet()
    sizes = [event.data.resource.party_size for event in await told.events() if event.subject == seated]
    assert sizes == [1, 2, 1]


async def test_doubled_and_late_ones_tell_nothing_twice(office: Office) -> None:
    life, told = office.told.life, office.told
    first = [life.create(in_days(1 + number / 24)) for number in range(12)]
    life.advance(seconds=30)
    second = [life.reschedule(uid, in_days(3 + number / 24)) for number, uid in enumerate(first)]
    life.advance(seconds=30)
    for uid in second[:4]:
        life.cancel(uid)
    answers = await told.deliver(Loss(doubled=0.5, late=0.4))
    answers += await told.deliver()
    assert set(answers) == {200, 202}
    await told.quiet(within=40)
    expected = [(uid, "CANCELLED") for uid in second[:4]] + [(uid, "CONFIRMED") for uid in second[4:]]
    await office.shows(*expected)
    events = [(event.subject, event.sequence) for event in await told.events()]
    assert len(events) == len(set(events))
    runs = await told.runs()
    assert all(run["synced"] + run["skipped"] + run["failed"] == run["fetched"] for run in runs)


async def test_runs_of_webhooks_are_listed_where_they_are_asked_for(office: Office) -> None:
    told, path = office.told, f"{INTEGRATION}/runs"
    told.life.create(in_days(1))
    await told.deliver()
    await told.quiet()
    synced = await told.admin.post("/api/bookings/sync-calcom", {"organizationId": told.admin.org_id})
    assert synced.status == 200, synced.body

    async def listed(query: str = "") -> list[str]:
        return [run["kind"] for run in (await told.admin.get(path + query)).body["data"]]

    assert (await listed(), await listed("?kind=manual"), await listed("?kind=reconcile")) == (
        ["manual"],
        ["manual"],
        [],
    )
    assert set(await listed("?kind=webhook")) == {"webhook"}
    refused = await told.admin.get(f"{path}?kind=all")
    assert (refused.status, refused.code) == (422, "validation_failed")


async def test_what_we_wrote_ourselves_and_what_happens_here_never_comes_back(office: Office) -> None:
    life, told = office.told.life, office.told
    uid = life.create(in_days(1), metadata={"source": "web"})
    await told.deliver()
    (here,) = await office.shows((uid, "CONFIRMED"))
    path = f"/api/v1/bookings/{here['id']}"
    assert (await office.bookings.patch(path, {"title": "By the window"})).status == 200
    life.advance(seconds=30)
    life.edit(uid, metadata={"source": "web", "slotwire_booking_id": here["id"], "slotwire_hash": "abc"})
    life.confirm(uid)  # which sends a webhook
    assert await told.deliver() == [202]
    await told.quiet()
    (event,) = await told.events()
    assert event.data.resource.metadata == {"source": "web"}
    (run, _) = await told.runs()
    assert (run["details"], run["synced"]) == ({"unchanged": 1}, 0)
    assert (await office.bookings.get(path)).data["title"] == "By the window"


async def test_each_organization_is_told_of_its_own_alone(service: CalcomService, booking: Service) -> None:
    schedules = [await (await booking.caller()).schedule() for _ in range(2)]
    async with told_by_webhooks(service, schedules[0]) as mine, told_by_webhooks(service, schedules[1]) as theirs:
        uid = mine.life.create(in_days(1), title="Mine")
        assert theirs.life.create(in_days(2), title="Theirs") == uid  # both draw from the same seed
        content = mine.life.untold[:]
        stranger = replace(mine, admin=theirs.admin)
        assert await stranger.deliver() == [401]
        assert await theirs.marks() == 0
        mine.life.untold[:] = content
        assert (await mine.deliver(), await theirs.deliver()) == ([202], [202])
        await mine.quiet()
        await theirs.quiet()
        for told, title in ((mine, "Mine"), (theirs, "Theirs")):
            (event,) = await told.events()
            assert (event.subject, event.data.resource.title) == (uid, title)
            (run,) = await told.runs()
            assert run["fetched"] == 1


async def test_who_refuses_us_is_not_asked_again_at_once(service: CalcomService) -> None:
    """However many webhooks come; and whoever sets another key need not wait."""
    async with told_by_webhooks(service) as told:
        told.calcom.key, right = "cal_live_another", told.calcom.key
        until = time.monotonic() + 10
        while time.monotonic() < until:
            told.life.create(in_days(1))
            assert await told.deliver() == [202]
            await asyncio.sleep(0.2)
        runs = await told.runs()
        assert {run["error"]["code"] for run in runs if run["error"]} == {"calcom_unauthorized"}
        assert 1 <= len(runs) <= 3
        told.calcom.key = right
        body = {"api_key": right, "base_url": told.calcom.url, "default_schedule_id": "sch_a"}
        await told.admin.send("PUT", INTEGRATION, body)
        created = len(told.life.rows(told.life.now))

        async def are_told() -> bool:
            return len(await told.events()) == created

        await eventually(are_told, within=10)
