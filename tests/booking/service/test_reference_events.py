"""What is told of locations and tables: each change, once, in order, with it or not at all."""

import itertools
from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest

from booking.domain.errors import InUseError, ValidationFailedError
from booking.domain.hours import WEEKDAYS, OpenHours
from booking.domain.reference import (
    CLIENTS,
    LOCATIONS,
    SCHEDULES,
    SECTIONS,
    TABLES,
    Client,
    Kind,
    Location,
    Schedule,
    Section,
    Table,
)
from slotwire_contracts import BOOKING_EVENTS, LocationDeleted, LocationUpdated
from slotwire_contracts import Location as Snapshot
from slotwire_contracts import Table as TableSnapshot
from support.booking_desk import ORIGIN, Desk
from support.booking_values import NOW

BISTRO = Location(
    name="Bistro",
    timezone="Europe/Paris",
    weekly_hours={"monday": [{"start": "09:00", "end": "02:00"}]},
    date_overrides={"2026-12-25": []},
)


async def a_location(desk: Desk) -> str:
    return (await desk.data.create(desk.actor, LOCATIONS, BISTRO, ORIGIN, None)).id


async def a_table(desk: Desk, **fields: Any) -> str:
    table = Table(location_id=await a_location(desk), name="T", min_party=1, max_party=4, **fields)
    return (await desk.data.create(desk.actor, TABLES, table, ORIGIN, None)).id


async def test_a_location_is_told_of_from_its_beginning_to_its_end(desk: Desk) -> None:
    location_id = await a_location(desk)
    desk.now = NOW + timedelta(hours=1)
    await desk.data.change(desk.actor, LOCATIONS, location_id, {"name": "Bar", "date_overrides": {}}, ORIGIN)
    desk.now = NOW + timedelta(hours=2)
    await desk.data.delete(desk.actor, LOCATIONS, location_id, ORIGIN)
    events = await desk.told(location_id)
    created, updated, deleted = events
    assert [event.type for event in events] == ["location.created", "location.updated", "location.deleted"]
    assert [event.sequence for event in events] == [1, 2, 3]
    assert [event.time for event in events] == [NOW, NOW + timedelta(hours=1), NOW + timedelta(hours=2)]
    assert [event.id for event in events] == sorted({event.id for event in events})
    assert {(event.subject, event.orgid, event.actor, event.correlationid) for event in events} == {
        (location_id, desk.actor.org_id, "staff", "req_1")
    }
    assert created.model_dump(mode="json")["data"] == {
        "resource": {
            "id": location_id,
            "name": "Bistro",
            "timezone": "Europe/Paris",
            "auto_confirm": False,
            "weekly_hours": {"monday": [{"start": "09:00", "end": "02:00"}]},
            "date_overrides": {"2026-12-25": []},
            "visit_minutes": 90,
            "interval_minutes": 15,
            "one_per_attendee": True,
            "complete_after_minutes": None,
            "created_at": "2026-06-01T08:00:00Z",
            "updated_at": "2026-06-01T08:00:00Z",
        },
        "change": {},
    }
    assert updated.model_dump(mode="json")["data"]["change"] == {
        "changes": {"name": {"from": "Bistro", "to": "Bar"}, "date_overrides": {"from": {"2026-12-25": []}, "to": {}}}
    }
    assert isinstance(updated, LocationUpdated)
    assert isinstance(deleted, LocationDeleted)
    assert (deleted.data.resource, deleted.data.change.model_dump()) == (updated.data.resource, {})


async def test_a_table_is_told_of_with_its_section(desk: Desk) -> None:
    table_id = await a_table(desk)
    table = await desk.data.get(desk.actor, TABLES, table_id)
    section = Section(location_id=table.entity.location_id, name="Terrace")
    section_id = (await desk.data.create(desk.actor, SECTIONS, section, ORIGIN, None)).id
    changes = {"section_id": section_id, "combinable": True}
    await desk.data.change(desk.actor, TABLES, table_id, changes, ORIGIN)
    created, updated = await desk.told(table_id)
    assert (created.type, updated.type, updated.sequence) == ("table.created", "table.updated", 2)
    assert updated.model_dump(mode="json")["data"]["change"] == {
        "changes": {"section_id": {"from": None, "to": section_id}, "combinable": {"from": False, "to": True}}
    }


@pytest.mark.parametrize(("kind", "snapshot"), [(LOCATIONS, Snapshot), (TABLES, TableSnapshot)])
def test_a_snapshot_shows_every_field(kind: Kind[Any], snapshot: type[Snapshot | TableSnapshot]) -> None:
    own = {field.name for field in fields(kind.entity)}
    assert set(snapshot.model_fields) == own | {"id", "created_at", "updated_at"}


async def test_a_change_of_any_field_is_told(desk: Desk) -> None:
    location_id = await a_location(desk)
    rules = {"one_per_attendee": False, "complete_after_minutes": 5}
    await desk.data.change(desk.actor, LOCATIONS, location_id, rules, ORIGIN)
    _, updated = await desk.told(location_id)
    assert isinstance(updated, LocationUpdated)
    assert updated.model_dump(mode="json")["data"]["change"] == {
        "changes": {
            "one_per_attendee": {"from": True, "to": False},
            "complete_after_minutes": {"from": None, "to": 5},
        }
    }
    assert updated.data.resource.complete_after_minutes == 5


async def test_what_changes_nothing_is_not_told_and_leaves_no_gap(desk: Desk) -> None:
    location_id = await a_location(desk)
    await desk.data.change(desk.actor, LOCATIONS, location_id, {"name": "Bistro"}, ORIGIN)
    await desk.data.change(desk.actor, LOCATIONS, location_id, {"name": "Bar"}, ORIGIN)
    assert [(event.type, event.sequence) for event in await desk.told(location_id)] == [
        ("location.created", 1),
        ("location.updated", 2),
    ]


async def test_what_is_refused_is_not_told(desk: Desk) -> None:
    table_id = await a_table(desk)
    location_id = (await desk.data.get(desk.actor, TABLES, table_id)).entity.location_id
    with pytest.raises(InUseError, match="1 table stands at this location"):
        await desk.data.delete(desk.actor, LOCATIONS, location_id, ORIGIN)
    with pytest.raises(ValidationFailedError):
        await desk.data.change(desk.actor, TABLES, table_id, {"max_party": 0}, ORIGIN)
    assert len(await desk.told(table_id, location_id)) == 2


async def test_other_kinds_are_not_told_of(desk: Desk) -> None:
    schedule = await desk.data.create(desk.actor, SCHEDULES, Schedule(name="Room", timezone="UTC"), ORIGIN, None)
    client = await desk.data.create(desk.actor, CLIENTS, Client(name="Ada", email="a@example.com"), ORIGIN, None)
    await desk.data.change(desk.actor, SCHEDULES, schedule.id, {"name": "Hall"}, ORIGIN)
    await desk.data.delete(desk.actor, CLIENTS, client.id, ORIGIN)
    assert await desk.told(schedule.id, client.id) == []


async def test_time_never_falls_though_the_clock_does(desk: Desk) -> None:
    location_id = await a_location(desk)
    for back in (1, 2):
        desk.now = NOW - timedelta(hours=back)
        await desk.data.change(desk.actor, LOCATIONS, location_id, {"name": f"Bar {back}"}, ORIGIN)
    await desk.data.delete(desk.actor, LOCATIONS, location_id, ORIGIN)
    events = await desk.told(location_id)
    assert all(one.time <= other.time and one.id < other.id for one, other in itertools.pairwise(events))


async def test_the_largest_location_fits_into_a_record(desk: Desk) -> None:
    """As much as a request may carry was there before, and is there after: the record has it three times."""
    stretch = OpenHours(start="09:00", end="10:00")
    week = {day: [stretch] * 24 for day in WEEKDAYS}
    dates = [{f"{year}-{n // 28 + 1:02}-{n % 28 + 1:02}": [stretch] * 23 for n in range(330)} for year in (2026, 2027)]
    large = Location(name="é" * 200, timezone="UTC", weekly_hours=week, date_overrides=dates[0])
    location_id = (await desk.data.create(desk.actor, LOCATIONS, large, ORIGIN, None)).id
    await desk.data.change(desk.actor, LOCATIONS, location_id, {"date_overrides": dates[1]}, ORIGIN)
    async with desk.db.connection() as conn:
        sizes = await conn.fetch("SELECT length(value) AS bytes FROM outbox WHERE key = $1", location_id.encode())
    assert 700_000 < max(row["bytes"] for row in sizes) < BOOKING_EVENTS.max_message_bytes - 16 * 1024
