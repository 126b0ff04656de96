"""Syncs from Cal.com through booking and back, over real HTTP and Kafka."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.identity import KeyKind
from support.booking_service import Answer, Caller, Service, running_service
from support.calcom import Kind, Life, Malformed, StandIn, standin
from support.calcom_service import INTEGRATION, CalcomService
from support.servers import Servers
from support.waiting import eventually

SYNC = "/api/bookings/sync-calcom"
WHENEVER = {"startDate": "1970-01-01", "endDate": "2199-12-31"}
"""A time with dates, so that all of it is read though it was read before."""


@pytest.fixture(scope="module")
async def booking(servers: Servers) -> AsyncIterator[Service]:
    """The booking service, which applies what is told."""
    async with running_service(servers) as running:
        yield running


@dataclass
class Office:
    """An organization that has a Cal.com."""

    calcom: StandIn
    admin: Caller
    bookings: Caller
    schedule_id: str

    @property
    def life(self) -> Life:
        return self.calcom.life

    async def sync(self, **fields: Any) -> Answer:
        return await self.admin.post(SYNC, {"organizationId": self.admin.org_id, **fields})

    async def listed(self) -> list[dict[str, Any]]:
        return list((await self.bookings.get(f"/api/v1/bookings?schedule_id={self.schedule_id}&limit=200")).data)


@pytest.fixture
async def office(service: CalcomService, booking: Service) -> AsyncIterator[Office]:
    """An organization with an empty Cal.com, whose clock is ours."""
    async with standin(Life(now=datetime.now(UTC).replace(microsecond=0) - timedelta(days=1))) as calcom:
        admin = await service.caller()
        bookings = await booking.caller(admin.org_id)
        schedule_id = await bookings.schedule(capacity=50)
        body = {"api_key": calcom.key, "base_url": calcom.url, "default_schedule_id": schedule_id}
        assert (await admin.send("PUT", INTEGRATION, body)).status == 200
        yield Office(calcom, admin, bookings, schedule_id)


def in_days(days: float) -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=days)


async def test_when_it_answers_the_bookings_are_there_and_again_there_is_nothing_to_do(office: Office) -> None:
    for day in range(3):
        office.life.create(in_days(1 + day))
    first = await office.sync()
    assert first.status == 200, first.body
    assert (first.body["success"], first.body["synced"], first.body["skipped"]) == (True, 3, 0)
    assert first.body["details"] == {"created": 3}
    assert len(await office.listed()) == 3
    again = (await office.sync()).body
    assert (again["synced"], again["skipped"], again["failed"], again["fetched"]) == (0, 3, 0, 3)


async def test_asked_for_again_only_what_changed_is_read(office: Office) -> None:
    uids = []
    for number in range(300):
        office.life.advance(minutes=1)
        uids.append(office.life.create(in_days(1) + timedelta(hours=number)))
    first = (await office.sync()).body
    assert (first["synced"], first["fetched"], office.calcom.count) == (300, 300, 3)
    again = (await office.sync()).body
    assert (again["synced"], again["skipped"], again["failed"], again["fetched"]) == (0, 6, 0, 6)
    assert office.calcom.count == 3 + 2
    office.life.advance(hours=1)
    office.life.cancel(uids[0])
    told = (await office.sync()).body
    assert (told["synced"], told["fetched"], office.calcom.count) == (1, 7, 3 + 2 + 2)
    whole = (await office.sync(**WHENEVER)).body
    assert (whole["synced"], whole["skipped"], whole["fetched"], office.calcom.count) == (0, 300, 300, 3 + 2 + 2 + 3)


async def test_a_date_that_is_an_end_is_meant_whole_however_it_is_written(office: Office) -> None:
    at = in_days(2)
    office.life.create(at)
    day = at.date()
    for written in (day.isoformat(), f"{day:%Y%m%d}", f"{day:%G-W%V-%u}"):
        told = (await office.sync(startDate=written, endDate=written)).body
        assert (told["fetched"], told["details"].get("out_of_range", 0)) == (1, 0)
    assert (await office.sync(**WHENEVER)).body["fetched"] == 1


async def test_a_reschedule_is_one_booking_and_every_row_is_counted(office: Office) -> None:
    moved, kept = office.life.create(in_days(1)), office.life.create(in_days(2))
    assert (await office.sync()).body["synced"] == 2
    before = {one["id"] for one in await office.listed()}
    office.life.advance(hours=2)
    office.life.reschedule(moved, in_days(5))
    office.life.cancel(kept, "ill")
    told = (await office.sync()).body
    assert (told["synced"], told["skipped"], told["fetched"]) == (2, 1, 3)
    assert told["details"] == {"updated": 2, "superseded": 1}
    after = await office.listed()
    assert {one["id"] for one in after} == before
    assert sorted(one["status"] for one in after) == ["CANCELLED", "CONFIRMED"]


async def test_what_overlaps_is_kept_and_what_has_no_place_is_told(office: Office) -> None:
    room = await office.bookings.schedule(capacity=1)
    schedules = [
        {"calcom_event_type_slug": "consultation", "schedule_id": room},
        {"calcom_event_type_id": 51, "schedule_id": "sch_nowhere"},
    ]
    body = {"base_url": office.calcom.url, "schedules": schedules}
    assert (await office.admin.send("PUT", INTEGRATION, body)).status == 200
    for kind in (Kind(), Kind(), Kind(51, "nowhere"), Kind(52, "unmapped")):
        office.life.create(in_days(1), kind=kind)
    told = (await office.sync()).body
    assert told["details"] == {"created": 1, "conflict": 1, "invalid": 1, "unmapped_event_type": 1}
    assert (told["synced"], told["skipped"], told["failed"], told["fetched"]) == (2, 2, 0, 4)


async def test_a_time_that_is_asked_for_bounds_what_is_taken(office: Office) -> None:
    for day in (1, 5, 9):
        office.life.create(in_days(day))
    told = (await office.sync(startDate=in_days(4).isoformat(), endDate=in_days(6).isoformat())).body
    assert (told["synced"], told["fetched"]) == (1, told["skipped"] + 1)
    assert len(await office.listed()) == 1


@pytest.mark.parametrize("days", [(1, 9), (9, 1)])
async def test_what_moved_to_another_page_is_counted_once(office: Office, days: tuple[int, int]) -> None:
    office.calcom.defects.short_pages = 2
    for day in range(2, 8):
        office.life.create(in_days(day))
    moved = office.life.create(in_days(days[0]))
    office.life.advance(hours=2)
    office.life.reschedule(moved, in_days(days[1]))
    for synced, asked in ((7, {}), (0, WHENEVER)):
        told = (await office.sync(**asked)).body
        assert (told["synced"], told["skipped"], told["fetched"]) == (synced, 8 - synced, 8)
        assert told["details"]["superseded"] == 1


async def test_a_long_list_is_counted_whole(office: Office) -> None:
    for number in range(520):
        office.life.create(in_days(1) + timedelta(hours=number // 20))
    told = (await office.sync()).body
    assert (told["synced"], told["skipped"] + told["failed"], told["fetched"]) == (520, 0, 520)
    again = (await office.sync()).body
    assert (again["synced"], again["fetched"]) == (0, 520)


async def test_what_was_synced_can_be_read_again(office: Office, service: CalcomService) -> None:
    office.life.create(in_days(1))
    told = [(await office.sync()).body for _ in range(2)]
    runs = f"{INTEGRATION}/runs"
    listed = (await office.admin.get(f"{runs}?limit=1")).body
    assert ([one["id"] for one in listed["data"]], listed["has_more"]) == ([told[1]["run_id"]], True)
    rest = (await office.admin.get(f"{runs}?limit=1&starting_after={told[1]['run_id']}")).body
    assert ([one["id"] for one in rest["data"]], rest["has_more"]) == ([told[0]["run_id"]], False)
    one = (await office.admin.get(f"{runs}/{told[0]['run_id']}")).data
    assert one == rest["data"][0]
    assert (one["status"], one["kind"], one["synced"], one["unanswered"], one["requests"]) == (
        "completed",
        "manual",
        1,
        0,
        2,
    )
    other = await service.caller()
    assert (await other.get(f"{runs}/{told[0]['run_id']}")).code == "not_found"
    assert (await other.get(runs)).body == {"data": [], "has_more": False}
    staff = await service.caller(office.admin.org_id, KeyKind.STAFF)
    assert {(await staff.get(path)).code for path in (runs, f"{runs}/{told[0]['run_id']}")} == {"forbidden"}
    office.calcom.defects.malformed = Malformed.NO_JSON
    failed = (await office.sync()).body["error"]["details"]["run_id"]
    assert (await office.admin.get(f"{runs}/{failed}")).data["error"]["code"] == "calcom_malformed"


async def test_the_same_request_twice_is_one_sync(office: Office) -> None:
    office.life.create(in_days(1))
    body = {"organizationId": office.admin.org_id}
    first = await office.admin.post(SYNC, body, Idempotency_Key="once")
    assert (await office.admin.post(SYNC, body, Idempotency_Key="once")).body == first.body


async def test_twins_wait_for_one_sync_and_are_told_the_same(office: Office) -> None:
    office.life.create(in_days(1))
    body = {"organizationId": office.admin.org_id}

    def ask(**fields: Any) -> asyncio.Task[Answer]:
        return asyncio.create_task(office.admin.post(SYNC, {**body, **fields}, Idempotency_Key="twins"))

    halt = office.calcom.halt("/v2/bookings")
    twins = [ask()]
    await halt.met()
    other = await ask(startDate="2026-01-01")
    assert (other.status, other.code) == (422, "idempotency_key_reused")
    twins += [ask() for _ in range(2)]
    await asyncio.wait(twins, timeout=0.3)
    halt.let_go()
    answers = await asyncio.gather(*twins)
    assert {answer.status for answer in answers} == {200}
    assert all(answer.body == answers[0].body for answer in answers)
    assert ["Idempotent-Replayed" in answer.headers for answer in answers] == [False, True, True]
    runs = (await office.admin.get(f"{INTEGRATION}/runs")).body["data"]
    assert [run["id"] for run in runs] == [answers[0].body["run_id"]]


async def test_one_that_failed_may_be_asked_for_again_with_the_same_key(office: Office) -> None:
    office.life.create(in_days(1))
    body, key = {"organizationId": office.admin.org_id}, "again"
    office.calcom.defects.malformed = Malformed.NO_JSON
    assert (await office.admin.post(SYNC, body, Idempotency_Key=key)).code == "calcom_malformed"
    office.calcom.defects.malformed = None
    assert (await office.admin.post(SYNC, body, Idempotency_Key=key)).body["synced"] == 1


async def test_what_goes_wrong_is_told_and_changes_nothing(office: Office, service: CalcomService) -> None:
    office.life.create(in_days(1))
    office.calcom.defects.malformed = Malformed.NO_START
    broken = await office.sync()
    assert (broken.status, broken.code) == (502, "calcom_malformed")
    office.calcom.defects.malformed = None
    office.calcom.key = "cal_live_another_one"
    refused = await office.sync()
    assert (refused.status, refused.code) == (502, "calcom_unauthorized")
    assert await office.listed() == []
    other = await service.caller()
    assert (await other.post(SYNC, {"organizationId": office.admin.org_id})).code == "not_found"
    assert (await other.post(SYNC, {"organizationId": other.org_id})).code == "calcom_not_configured"
    staff = await service.caller(office.admin.org_id, KeyKind.STAFF)
    assert (await staff.post(SYNC, {"organizationId": office.admin.org_id})).code == "forbidden"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"startDate": "soon"}, "startDate"),
        ({"startDate": 5}, "startDate"),
        ({"startDate": "1969-12-31"}, "startDate"),
        ({"startDate": "0001-01-01T00:00:00+14:00"}, "startDate"),
        ({"endDate": "9999-12-31"}, "endDate"),
        ({"startDate": "2026-02-01", "endDate": "2026-01-01"}, "endDate"),
        ({"organizationId": None}, "organizationId"),
    ],
)
async def test_what_cannot_be_is_refused(office: Office, fields: dict[str, Any], param: str) -> None:
    refused = await office.sync(**fields)
    assert (refused.status, refused.body["error"]["param"]) == (422, param)
    assert office.calcom.count == 0


async def test_where_the_integration_is_deleted_times_can_be_changed(office: Office) -> None:
    """However far away the booking is."""
    office.life.create(in_days(300))
    assert (await office.sync()).status == 200
    (booking,) = await office.listed()
    path, moved = f"/api/v1/bookings/{booking['id']}", {"start_time": f"{in_days(299):%Y-%m-%dT%H:%M:%SZ}"}
    assert (await office.bookings.send("PATCH", path, moved)).code == "external_read_only"
    assert (await office.admin.send("DELETE", INTEGRATION)).status == 200

    async def is_moved() -> bool:
        return (await office.bookings.send("PATCH", path, moved)).status == 200

    await eventually(is_moved, within=15)
    (after,) = await office.listed()
    assert (after["start_time"], after["external"]) == (moved["start_time"], booking["external"])
