"""What the waitlist asks of booking, with the key that our services share."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from chassis.identity import KeyKind
from devstack.gateway import create_gateway
from slotwire_contracts import HoldReleased, ReleaseReason, ReservationCreated
from support.booking_service import SOON, Caller, Service, a_body, running_service, somebody, text
from support.event_instances import add_instance, register, told
from support.reference_data import made
from support.servers import Servers

HOUR = timedelta(hours=1)
ENTRY = {"source": "waitlist", "waitlist_entry_id": "wle_1"}


@pytest.fixture
def waitlist(service: Service, staff: Caller) -> Caller:
    """The waitlist, at work for the staff's organization."""
    return service.waitlist(staff.org_id)


async def feed(caller: Caller, booking_id: str) -> list[dict[str, Any]]:
    """What the history tells of a booking, the oldest first."""
    return list((await caller.get(f"/v1/reservations/{booking_id}/events")).data)


async def test_an_offer_of_a_table_becomes_a_confirmed_booking(
    service: Service, staff: Caller, waitlist: Caller
) -> None:
    location_id = await staff.location()
    table_id = await staff.table(location_id, 4)
    offer = {"location_id": location_id, "party_size": 3, "ttl_minutes": 48 * 60, **times(SOON)}
    held, again = [await waitlist.post("/api/v1/holds", offer, Idempotency_Key="wlo_1") for _ in range(2)]
    assert held.data == again.data
    assert (await waitlist.hold(location_id=location_id, party_size=2)).code == "slot_unavailable"

    body = {"hold_id": held.data["id"], "attendee": somebody(), **ENTRY}
    booked, again = [await waitlist.post("/api/v1/bookings", body, Idempotency_Key="wle_1") for _ in range(2)]
    assert booked.data == again.data
    assert (booked.data["status"], booked.data["source"], booked.data["table_ids"]) == (
        "CONFIRMED",
        "waitlist",
        [table_id],
    )
    (event,) = await feed(staff, booked.data["id"])
    assert event["data"] == {"source": "waitlist", "party_size": 3, "waitlist_entry_id": "wle_1"}
    (created, *_) = await told(service, [booked.data["id"]], 1)
    assert isinstance(created, ReservationCreated)
    assert (created.data.change.waitlist_entry_id, created.actor) == ("wle_1", "system")
    assert (await waitlist.delete(f"/api/v1/holds/{held.data['id']}")).code == "not_found"


async def test_an_offer_of_spots_becomes_a_confirmed_registration(staff: Caller, waitlist: Caller) -> None:
    service_id = await made(staff, "services", location_id=None, requires_confirmation=True, max_attendance=2)
    instance = (await staff.post("/v2/event_instances", {"service_id": service_id, "start_time": text(SOON)})).data[
        "uid"
    ]
    one = (await register(staff, instance)).data["id"]
    spots = {"event_instance_id": instance, "party_size": 2}
    assert (await waitlist.post("/api/v1/holds", spots)).code == "slot_unavailable"
    await staff.delete(f"/api/v1/bookings/{one}")
    held = await waitlist.post("/api/v1/holds", {**spots, "ttl_minutes": 240})
    assert (await register(staff, instance)).code == "slot_unavailable"
    booked = await waitlist.post("/api/v1/bookings", {"hold_id": held.data["id"], "attendee": somebody(), **ENTRY})
    assert (booked.data["status"], booked.data["party_size"]) == ("CONFIRMED", 2)
    assert (await waitlist.get(f"/v2/event_instances/{instance}")).data["remaining"] == 0


async def test_an_entry_becomes_one_booking_whatever_keys_it_is_asked_for_with(
    staff: Caller, waitlist: Caller, service: Service
) -> None:
    schedule_id = await staff.schedule()
    bodies = [{**a_body(schedule_id=schedule_id, at=SOON + hours * HOUR), **ENTRY} for hours in range(6)]
    answers = await asyncio.gather(*(waitlist.post("/api/v1/bookings", body) for body in bodies))
    (made_id,) = [answer.data["id"] for answer in answers if answer.status == 201]
    await staff.delete(f"/api/v1/bookings/{made_id}")
    answers.append(await waitlist.post("/api/v1/bookings", {**bodies[0], "hold_id": "hld_gone"}))
    for refused in (answer.body["error"] for answer in answers if answer.status != 201):
        assert (refused["code"], refused["param"]) == ("already_booked", "waitlist_entry_id")
        assert refused["details"] == {"booking_id": made_id}
    assert len((await staff.get("/api/v1/bookings")).data) == 1
    other = await service.caller()
    theirs = {**a_body(schedule_id=await other.schedule()), **ENTRY}
    assert (await service.waitlist(other.org_id).post("/api/v1/bookings", theirs)).status == 201


async def test_nobody_but_the_waitlist_books_for_its_entries(service: Service, staff: Caller, waitlist: Caller) -> None:
    schedule_id = await staff.schedule()
    guest = await service.client(staff.org_id, await made(staff, "clients"))
    body = a_body(schedule_id=schedule_id, waitlist_entry_id="wle_7")
    kinds = (KeyKind.ADMIN, KeyKind.SERVICE)
    for caller in (guest, staff, *[await service.caller(staff.org_id, kind) for kind in kinds]):
        refused = await caller.post("/api/v1/bookings", body)
        assert (refused.status, refused.body["error"]["param"]) == (403, "waitlist_entry_id")
    booked = (await waitlist.post("/api/v1/bookings", body)).data
    assert (booked["status"], booked["source"]) == ("CONFIRMED", "waitlist")
    other = (await staff.book(schedule_id=schedule_id, at=SOON + HOUR)).data
    assert (other["status"], other["source"]) == ("PENDING", "api")
    assert [event["data"] for event in await feed(staff, other["id"])] == [{"source": "api", "party_size": 1}]
    third = a_body(schedule_id=schedule_id, at=SOON + 2 * HOUR, waitlist_entry_id="wle_8", source="desk")
    assert (await waitlist.post("/api/v1/bookings", third)).data["source"] == "desk"


@pytest.mark.parametrize("entry_id", ["", 7, "w" * 65])
async def test_a_bad_entry_books_nothing(staff: Caller, entry_id: object) -> None:
    body = a_body(schedule_id=await staff.schedule(), waitlist_entry_id=entry_id)
    refused = await staff.post("/api/v1/bookings", body)
    assert (refused.status, refused.body["error"]["param"]) == (422, "waitlist_entry_id")
    assert (await staff.get("/api/v1/bookings")).data == []


async def test_it_reads_what_it_matches_by(staff: Caller, waitlist: Caller) -> None:
    location_id = await staff.location(weekly_hours=dict.fromkeys(WEEK, EVENING))
    client_id, instance = await made(staff, "clients"), await add_instance(staff)
    for path in (
        f"/api/v1/locations/{location_id}",
        f"/api/v1/clients/{client_id}",
        f"/v2/event_instances/{instance['uid']}",
    ):
        assert (await waitlist.get(path)).data == (await staff.get(path)).data
    place = (await waitlist.get(f"/api/v1/locations/{location_id}")).data
    assert (place["timezone"], place["visit_minutes"]) == ("America/New_York", 90)
    assert place["weekly_hours"]["monday"] == EVENING


async def test_it_finds_the_free_starts_of_an_evening(staff: Caller, waitlist: Caller) -> None:
    location_id = await staff.location(weekly_hours=dict.fromkeys(WEEK, EVENING), visit_minutes=120)
    for _ in range(2):
        await staff.table(location_id, 4, combinable=True)
    day = SOON.strftime("%Y-%m-%d")
    query = f"location_id={location_id}&party_size=6&from={day}&to={day}&duration_minutes=60&interval_minutes=15"

    async def starts() -> list[str]:
        return [slot["local_start"][11:16] for slot in (await waitlist.get(f"/api/v1/availability?{query}")).data]

    evening = ["18:00", "18:15", "18:30", "18:45", "19:00", "19:15", "19:30", "19:45", "20:00"]
    assert await starts() == evening
    await waitlist.hold(location_id=location_id, party_size=2, **at_local(day, "19:00", "20:00"))
    assert await starts() == ["18:00", "20:00"], "of two tables that a party of six needs one is held"


async def test_a_hold_that_becomes_less_tells_what_it_leaves(service: Service, staff: Caller, waitlist: Caller) -> None:
    location_id = await staff.location()
    await staff.table(location_id, 4)
    whole, moved, spots = [
        (await waitlist.post("/api/v1/holds", body)).data["id"]
        for body in (
            {"location_id": location_id, **times(SOON)},
            {"location_id": location_id, **times(SOON + 2 * HOUR)},
            {"event_instance_id": (await add_instance(staff))["uid"], "party_size": 4},
        )
    ]
    for entry_id, body in (
        ("wle_1", {"hold_id": whole, "end_time": text(SOON + 2 * HOUR)}),
        ("wle_2", {"hold_id": moved, **times(SOON + 8 * HOUR)}),
        ("wle_3", {"hold_id": spots, "party_size": 3}),
    ):
        asked = {**body, "attendee": somebody(), **ENTRY, "waitlist_entry_id": entry_id}
        booked = await waitlist.post("/api/v1/bookings", asked)
        assert booked.status == 201, booked.body
    first, second = await told(service, [whole, moved, spots], 2)
    events = {event.subject: event for event in (first, second) if isinstance(event, HoldReleased)}
    assert set(events) == {moved, spots}
    assert events[moved].data.change.reason is ReleaseReason.RELEASED
    assert events[moved].data.resource.start_time == SOON + 2 * HOUR
    assert events[spots].data.resource.event_instance_id is not None


async def test_it_reaches_only_the_organization_that_it_names(service: Service, staff: Caller) -> None:
    other = await service.caller()
    location_id = await staff.location()
    await staff.table(location_id, 4)
    mine, theirs = service.waitlist(staff.org_id), service.waitlist(other.org_id)
    held = (await mine.hold(location_id=location_id)).data["id"]
    assert (await theirs.get(f"/api/v1/locations/{location_id}")).code == "not_found"
    assert (await theirs.delete(f"/api/v1/holds/{held}")).code == "not_found"
    assert (await theirs.hold(location_id=location_id, at=SOON + HOUR)).body["error"]["param"] == "location_id"
    used = await theirs.post("/api/v1/bookings", {"hold_id": held, "attendee": somebody(), **ENTRY})
    assert used.code == "hold_expired"
    body = a_body(attendee=somebody())
    booked = [
        await one.post("/api/v1/bookings", {**body, "schedule_id": await of.schedule()}, Idempotency_Key="wle_1")
        for one, of in ((mine, staff), (theirs, other))
    ]
    assert [answer.status for answer in booked] == [201, 201], "a key is kept for one organization"
    assert len((await other.get("/api/v1/bookings")).data) == 1


async def test_it_has_no_limit_and_others_have(servers: Servers) -> None:
    async with running_service(servers, rate_limit_per_minute=2) as service:
        staff = await service.caller()
        waitlist = service.waitlist(staff.org_id)
        assert {(await waitlist.get("/api/v1/locations")).status for _ in range(5)} == {200}
        assert [(await staff.get("/api/v1/locations")).status for _ in range(3)] == [200, 200, 429]


async def test_the_gateway_does_not_let_it_in(service: Service, waitlist: Caller) -> None:
    async with TestServer(create_gateway({"booking": service.base})) as gateway:
        base = str(gateway.make_url("")).rstrip("/")
        for prefix in ("", "/services/booking"):
            outside = replace(waitlist, base=f"{base}{prefix}")
            assert (await outside.get("/api/v1/locations")).code == "forbidden"
            assert (await outside.hold(location_id="loc_1")).status == 403
            async with aiohttp.ClientSession() as http:
                key_alone = {"Authorization": waitlist.headers["Authorization"]}
                async with http.get(f"{outside.base}/api/v1/locations", headers=key_alone) as answer:
                    assert answer.status == 422


WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
EVENING = [{"start": "18:00", "end": "21:00"}]


def times(start: datetime) -> dict[str, str]:
    """An hour, as bodies tell it."""
    return {"start_time": text(start), "end_time": text(start + HOUR)}


def at_local(day: str, start: str, end: str) -> dict[str, Any]:
    """Times of a day in New York, as bodies tell them."""
    zone = ZoneInfo("America/New_York")
    return {
        name: text(datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=zone).astimezone(UTC))
        for name, clock in (("start_time", start), ("end_time", end))
    }
