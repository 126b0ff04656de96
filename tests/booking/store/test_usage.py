"""What uses an entity of reference data is counted, and nothing else."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from booking.domain.holds import Hold
from booking.domain.instances import EventInstance, InstanceStatus
from booking.domain.reference import (
    CLIENTS,
    EVENT_TYPES,
    LOCATIONS,
    SCHEDULES,
    SECTIONS,
    SERVICES,
    TABLES,
    EventType,
    Kind,
    Location,
    Schedule,
    Section,
    Service,
    Stored,
    T,
    Table,
    Use,
)
from booking.domain.status import Status
from booking.store import bookings, holds, instances, reference, usage
from booking.store.bookings import Record
from chassis.ids import new_id
from chassis.postgres import Connection
from support.booking_values import END, NOW, START, a_booking

ORG = "org_usage"
HOUR = timedelta(hours=1)
NOWHERE: Mapping[str, Any] = {"schedule_id": None, "location_id": None}


async def add(conn: Connection, kind: Kind[T], entity: T, deleted_at: datetime | None = None) -> str:
    """Write an entity and answer its id."""
    stored = Stored(new_id(kind.prefix), entity, NOW, NOW, deleted_at=deleted_at)
    await reference.insert(conn, kind, ORG, stored)
    return stored.id


async def add_location(conn: Connection) -> str:
    return await add(conn, LOCATIONS, Location(name="Bistro", timezone="UTC"))


async def add_schedule(conn: Connection) -> str:
    return await add(conn, SCHEDULES, Schedule(name="Room", timezone="UTC"))


async def add_table(conn: Connection, location_id: str, section_id: str | None = None, **kept: Any) -> str:
    table = Table(location_id=location_id, section_id=section_id, name="T", min_party=1, max_party=4)
    return await add(conn, TABLES, table, **kept)


async def add_instance(conn: Connection, service_id: str, **fields: Any) -> None:
    defaults: dict[str, Any] = {"location_id": None, "status": InstanceStatus.SCHEDULED, "last_event_id": None}
    instance = EventInstance(
        id=new_id("inst"),
        org_id=ORG,
        service_id=service_id,
        title="Yoga",
        timezone="UTC",
        max_attendance=9,
        attendance=0,
        sequence=0,
        created_at=NOW,
        updated_at=NOW,
        **{**defaults, "start_time": START, "end_time": END, **fields},
    )
    await instances.insert(conn, instance)


async def book(conn: Connection, **fields: Any) -> None:
    defaults = {"id": new_id("bk"), "org_id": ORG, "last_event_id": new_id("evt"), **NOWHERE}
    await bookings.insert(conn, Record(a_booking(**{**defaults, **fields}), None, "staff", [], []))


async def hold(conn: Connection, *, expires_at: datetime, **fields: Any) -> None:
    named = dict.fromkeys(("client_id", "schedule_id", "location_id", "event_type_id", "event_instance_id"))
    held = Hold(
        id=new_id("hld"),
        org_id=ORG,
        tables_chosen=False,
        party_size=1,
        start_time=START,
        end_time=END,
        expires_at=expires_at,
        created_at=NOW,
        **{**named, "table_ids": (), **fields},
    )
    await holds.insert(conn, held, None, ())


async def used(conn: Connection, kind: Kind[Any], entity_id: str) -> list[Use]:
    return await usage.read(conn, kind.name, ORG, entity_id, now=NOW)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (SCHEDULES, {"schedule_id": "x_1"}),
        (LOCATIONS, {"location_id": "x_1"}),
        (EVENT_TYPES, {"event_type_id": "x_1", "schedule_id": "sch_1"}),
        (CLIENTS, {"client_id": "x_1", "schedule_id": "sch_1"}),
    ],
)
async def test_bookings_count_unless_they_were_called_off(
    conn: Connection, kind: Kind[Any], fields: dict[str, Any]
) -> None:
    others = {name: "x_2" for name, value in fields.items() if value == "x_1"}
    assert await used(conn, kind, "x_1") == []
    for status in Status:
        await book(conn, status=status, **fields)
    await book(conn, start_time=START + 9 * HOUR, end_time=END + 9 * HOUR, **fields)
    await book(conn, start_time=START - 99 * HOUR, end_time=END - 99 * HOUR, **fields)
    await book(conn, **{**fields, **others})
    await book(conn, org_id="org_else", **fields)
    assert await used(conn, kind, "x_1") == [Use("booking", len(Status) - 2 + 2, END + 9 * HOUR)]


async def test_a_table_is_used_by_bookings_and_holds_that_have_it(conn: Connection) -> None:
    location_id = await add_location(conn)
    one, other = [await add_table(conn, location_id) for _ in range(2)]
    await book(conn, location_id=location_id, table_ids=(other, one))
    await book(conn, location_id=location_id, table_ids=(other,))
    await book(conn, location_id=location_id, table_ids=(one,), status=Status.CANCELLED)
    await hold(conn, location_id=location_id, table_ids=(one,), expires_at=NOW + HOUR)
    await hold(conn, location_id=location_id, table_ids=(one,), expires_at=NOW)
    assert await used(conn, TABLES, one) == [Use("booking", 1, END), Use("hold", 1)]
    assert await used(conn, TABLES, other) == [Use("booking", 2, END)]


async def test_a_schedule_is_used_by_event_types_and_live_holds(conn: Connection) -> None:
    schedule_id = await add_schedule(conn)
    talk = EventType(name="Talk", duration_minutes=30, schedule_id=schedule_id)
    await add(conn, EVENT_TYPES, talk)
    await add(conn, EVENT_TYPES, talk, deleted_at=NOW)
    await add(conn, EVENT_TYPES, replace(talk, schedule_id=None))
    await hold(conn, schedule_id=schedule_id, expires_at=NOW + timedelta(seconds=1))
    await hold(conn, schedule_id=schedule_id, expires_at=NOW)
    assert await used(conn, SCHEDULES, schedule_id) == [Use("hold", 1), Use("event type", 1)]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (SCHEDULES, {"schedule_id": "x_1"}),
        (LOCATIONS, {"location_id": "x_1"}),
        (EVENT_TYPES, {"event_type_id": "x_1", "schedule_id": "sch_1"}),
    ],
)
async def test_holds_count_until_they_expire(conn: Connection, kind: Kind[Any], fields: dict[str, Any]) -> None:
    await hold(conn, expires_at=NOW, **fields)
    await hold(conn, expires_at=NOW + HOUR, **dict.fromkeys(fields, "x_2"))
    assert await used(conn, kind, "x_1") == []
    for minutes in (1, 2):
        await hold(conn, expires_at=NOW + timedelta(minutes=minutes), **fields)
    assert await used(conn, kind, "x_1") == [Use("hold", 2)]


async def test_a_location_is_used_by_all_that_is_there(conn: Connection) -> None:
    location_id, other_id = await add_location(conn), await add_location(conn)
    section_id = await add(conn, SECTIONS, Section(location_id=location_id, name="Terrace"))
    await add_table(conn, location_id)
    await add_table(conn, location_id, section_id)
    await add_table(conn, location_id, deleted_at=NOW)
    await add_table(conn, other_id)
    service = Service(name="Yoga", service_type="event", location_id=location_id, timezone="UTC")
    service_id = await add(conn, SERVICES, service)
    await add_instance(conn, service_id, location_id=location_id)
    await add_instance(conn, service_id, location_id=location_id, status=InstanceStatus.CANCELLED)
    await add_instance(conn, service_id, location_id=location_id, start_time=NOW - HOUR, end_time=NOW)
    await add_instance(conn, service_id, location_id=other_id)
    await add_instance(conn, service_id, location_id=location_id, deleted_at=NOW)
    assert await used(conn, LOCATIONS, location_id) == [
        Use("table", 2),
        Use("section", 1),
        Use("service", 1),
        Use("event instance", 1),
    ]
    assert await used(conn, SECTIONS, section_id) == [Use("table", 1)]
    assert await used(conn, SERVICES, service_id) == [Use("event instance", 4)]


async def test_what_is_not_used_has_no_uses(conn: Connection) -> None:
    for kind in (LOCATIONS, SECTIONS, TABLES, SCHEDULES, EVENT_TYPES, CLIENTS, SERVICES):
        assert await used(conn, kind, "x_none") == []
