"""Every way in which time, tables or spots fall free is told on the topic, with the place and time or the event."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from slotwire_contracts import AnyEvent
from support.booking_service import SOON, Caller, Service, text
from support.event_instances import add_instance, hold, registered, told

HOUR = timedelta(hours=1)
NOW = datetime.now(UTC).replace(microsecond=0)
HOURS = {"friday": [{"start": "18:00", "end": "23:00"}]}

Act = Callable[[Caller, str], Awaitable[Any]]


def patching(**fields: Any) -> Act:
    """Change a booking."""
    return lambda staff, booking_id: staff.patch(f"/api/v1/bookings/{booking_id}", fields)


async def cancel(staff: Caller, booking_id: str) -> None:
    """Cancel a booking."""
    await staff.delete(f"/api/v1/bookings/{booking_id}")


async def happened(service: Service, subject: str, word: str, *, number: int) -> dict[str, Any]:
    """Wait for the event of that number of a resource, which is of that type, and answer its data as it travels."""
    events: list[AnyEvent] = await told(service, [subject], number)
    (event,) = (one for one in events if one.sequence == number)
    assert event.type == word
    return dict(event.model_dump(mode="json")["data"])


@pytest.mark.parametrize(
    ("act", "word"),
    [
        (cancel, "cancelled"),
        (patching(status="CANCELLED"), "cancelled"),
        (patching(status="NO_SHOW"), "no_show"),
        (patching(status="COMPLETED"), "completed"),
        (patching(party_size=1), "updated"),
    ],
)
async def test_a_booking_that_gives_up_its_table(service: Service, staff: Caller, act: Act, word: str) -> None:
    start = NOW - HOUR
    location_id = await staff.location(auto_confirm=True)
    table_id = await staff.table(location_id, 4)
    booked = (await staff.book(location_id=location_id, at=start, minutes=180, party_size=3)).data
    await act(staff, booked["id"])
    data = await happened(service, booked["id"], f"reservation.{word}", number=2)
    kept = {name: data["resource"][name] for name in ("location_id", "start_time", "end_time", "table_ids")}
    assert kept == {
        "location_id": location_id,
        "start_time": text(start),
        "end_time": text(start + 3 * HOUR),
        "table_ids": [table_id],
    }
    if word == "updated":
        assert data["change"] == {"changes": {"party_size": {"from": 3, "to": 1}}}


async def test_a_booking_that_is_declined(service: Service, staff: Caller) -> None:
    location_id = await staff.location()
    await staff.table(location_id, 4)
    booked = (await staff.book(location_id=location_id)).data
    await patching(status="DECLINED")(staff, booked["id"])
    data = await happened(service, booked["id"], "reservation.declined", number=2)
    assert (data["resource"]["location_id"], data["resource"]["start_time"]) == (location_id, text(SOON))


async def test_a_booking_that_moves_tells_both_times_and_a_table_that_it_gives_back(
    service: Service, staff: Caller
) -> None:
    location_id = await staff.location()
    tables = [await staff.table(location_id, 4) for _ in range(2)]
    booked = (await staff.book(location_id=location_id, table_ids=tables)).data
    later = {"start_time": text(SOON + 3 * HOUR), "end_time": text(SOON + 4 * HOUR)}
    await patching(**later)(staff, booked["id"])
    await patching(table_ids=tables[:1])(staff, booked["id"])
    data = await happened(service, booked["id"], "reservation.updated", number=2)
    assert data["resource"]["location_id"] == location_id
    assert data["change"]["changes"] == {
        "start_time": {"from": text(SOON), "to": text(SOON + 3 * HOUR)},
        "end_time": {"from": text(SOON + HOUR), "to": text(SOON + 4 * HOUR)},
    }
    data = await happened(service, booked["id"], "reservation.unassigned", number=4)
    assert data["change"] == {"table_ids": tables[1:]}
    assert (data["resource"]["location_id"], data["resource"]["start_time"]) == (location_id, later["start_time"])


@pytest.mark.parametrize(("act", "word"), [(cancel, "cancelled"), (patching(party_size=1), "updated")])
async def test_a_registration_that_gives_up_spots(service: Service, staff: Caller, act: Act, word: str) -> None:
    instance = await add_instance(staff)
    booked = await registered(staff, instance["uid"], party_size=3)
    await act(staff, booked["id"])
    data = await happened(service, booked["id"], f"reservation.{word}", number=2)
    assert (data["resource"]["event_instance_id"], data["resource"]["start_time"]) == (instance["uid"], text(SOON))


async def test_a_hold_that_ends(service: Service, staff: Caller) -> None:
    location_id = await staff.location()
    await staff.table(location_id, 4)
    table = (await staff.hold(location_id=location_id)).data["id"]
    instance = (await add_instance(staff))["uid"]
    spots = await hold(staff, instance, 2)
    for hold_id in (table, spots):
        await staff.delete(f"/api/v1/holds/{hold_id}")
    data = await happened(service, table, "hold.released", number=1)
    assert data["change"] == {"reason": "released"}
    assert (data["resource"]["location_id"], data["resource"]["start_time"]) == (location_id, text(SOON))
    data = await happened(service, spots, "hold.released", number=1)
    assert (data["resource"]["event_instance_id"], data["resource"]["party_size"]) == (instance, 2)


async def test_an_event_with_more_spots_or_that_takes_place_after_all(service: Service, staff: Caller) -> None:
    uid = (await add_instance(staff))["uid"]
    path = f"/v2/event_instances/{uid}"
    await staff.patch(path, {"max_attendance": 20})
    await staff.post(f"{path}/cancel", {})
    await staff.patch(path, {"status": "scheduled"})
    data = await happened(service, uid, "event_instance.updated", number=1)
    assert data["change"]["changes"] == {"max_attendance": {"from": 10, "to": 20}}
    assert (data["resource"]["id"], data["resource"]["attendance"]) == (uid, 0)
    data = await happened(service, uid, "event_instance.updated", number=3)
    assert data["change"]["changes"] == {"status": {"from": "cancelled", "to": "scheduled"}}


async def test_a_place_with_more_tables_or_hours(service: Service, staff: Caller) -> None:
    location_id = await staff.location()
    table_id = await staff.table(location_id, 2)
    await staff.patch(f"/api/v1/tables/{table_id}", {"max_party": 4})
    await staff.patch(f"/api/v1/locations/{location_id}", {"weekly_hours": HOURS})
    data = await happened(service, table_id, "table.created", number=1)
    assert (data["resource"]["location_id"], data["resource"]["max_party"]) == (location_id, 2)
    data = await happened(service, table_id, "table.updated", number=2)
    assert (data["resource"]["location_id"], data["change"]["changes"]) == (
        location_id,
        {"max_party": {"from": 2, "to": 4}},
    )
    data = await happened(service, location_id, "location.updated", number=2)
    assert data["resource"]["id"] == location_id
    assert data["change"]["changes"]["weekly_hours"] == {"from": None, "to": HOURS}
