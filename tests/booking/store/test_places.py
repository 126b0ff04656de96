"""What decides about a booking is read in one statement: what is there, what is taken, what the booking has."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from booking.domain.hours import ALWAYS
from booking.domain.occupancy import Claim
from booking.domain.place import Appointment, Place
from booking.domain.reference import (
    EVENT_TYPES,
    LOCATIONS,
    SCHEDULES,
    TABLES,
    EventType,
    Kind,
    Location,
    Schedule,
    Stored,
    T,
    Table,
)
from booking.domain.times import EARLIEST, LATEST, Span
from booking.store import occupancy, places, reference, resources
from chassis.ids import new_id
from chassis.postgres import Connection
from support.booking_values import END, NOW, START

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
VISIT = Span(START, END)


@dataclass(frozen=True)
class Furnished:
    """An organization with one of everything; its table for two comes before the one for four."""

    org_id: str
    schedule_id: str
    location_id: str
    event_type_id: str
    table_ids: tuple[str, str]


async def stored(conn: Connection, kind: Kind[T], org_id: str, entity: T) -> str:
    entity_id = new_id(kind.prefix)
    await reference.insert(conn, kind, org_id, Stored(entity_id, entity, NOW, NOW))
    await resources.provide(conn, org_id, entity_id, entity.lanes)
    return entity_id


@pytest.fixture
async def ids(conn: Connection) -> Furnished:
    org_id = new_id("org")
    location_id = await stored(conn, LOCATIONS, org_id, Location(name="Bistro", timezone="Asia/Tokyo"))
    four, two = [
        await stored(
            conn, TABLES, org_id, Table(location_id=location_id, name="T", min_party=seats // 2, max_party=seats)
        )
        for seats in (4, 2)
    ]
    return Furnished(
        org_id,
        await stored(conn, SCHEDULES, org_id, Schedule(name="Room", timezone="Europe/Rome", capacity=2)),
        location_id,
        await stored(
            conn,
            EVENT_TYPES,
            org_id,
            EventType(name="Talk", duration_minutes=60, buffer_before_minutes=10, buffer_after_minutes=20),
        ),
        (two, four),
    )


async def read(conn: Connection, ids: Furnished, span: Span = VISIT, **asked: Any) -> Place:
    names = {"schedule_id": ids.schedule_id, "location_id": ids.location_id, **asked}
    return await places.read(conn, ids.org_id, span, now=NOW, **names)


async def occupy(conn: Connection, booking_id: str, resource_no: int, start: datetime, end: datetime) -> None:
    columns = occupancy.columns(Claim((resource_no,), Span(start, end)))
    await conn.execute(occupancy.insertion(2, booking_id="$1"), booking_id, *columns)


async def test_what_is_named_is_found_and_lanes_above_the_capacity_are_not_offered(
    conn: Connection, ids: Furnished
) -> None:
    await resources.provide(conn, ids.org_id, ids.schedule_id, 3)
    place = await read(conn, ids, event_type_id=ids.event_type_id)
    assert place.schedule is not None
    assert (place.schedule.timezone, place.schedule.hours, len(place.schedule.lanes)) == ("Europe/Rome", ALWAYS, 2)
    assert [(table.table_id, table.min_party, table.max_party) for table in place.tables] == [
        (ids.table_ids[0], 1, 2),
        (ids.table_ids[1], 2, 4),
    ]
    assert place.appointment == Appointment(
        event_type_id=ids.event_type_id, duration_minutes=60, buffer_before_minutes=10, buffer_after_minutes=20
    )
    assert (place.taken, place.held) == (frozenset(), frozenset())


async def test_what_is_not_named_or_is_anothers_is_not_found(conn: Connection, ids: Furnished) -> None:
    assert await read(conn, ids, schedule_id=None, location_id=None) == Place()
    names: dict[str, Any] = {
        "schedule_id": ids.schedule_id,
        "location_id": ids.location_id,
        "event_type_id": ids.event_type_id,
    }
    assert await places.read(conn, new_id("org"), VISIT, now=NOW, **names) == Place()


@pytest.mark.parametrize(
    ("start", "end", "taken"),
    [
        (START - HOUR, START, False),
        (START - HOUR, START + timedelta(seconds=1), True),
        (START + MINUTE, END - MINUTE, True),
        (END - timedelta(seconds=1), END + HOUR, True),
        (END, END + HOUR, False),
    ],
)
async def test_what_others_have_in_that_time_is_taken(
    conn: Connection, ids: Furnished, start: datetime, end: datetime, *, taken: bool
) -> None:
    free = await read(conn, ids)
    assert free.schedule is not None
    lane, table = free.schedule.lanes[1], free.tables[0].resource_no
    await occupy(conn, "bk_other", lane, start, end)
    await occupy(conn, "bk_other", table, start, end)
    place = await read(conn, ids)
    assert place.taken == (frozenset({lane, table}) if taken else frozenset())
    assert place.held == frozenset()


async def test_what_the_booking_itself_has_is_held_at_any_time_and_in_nobodys_way(
    conn: Connection, ids: Furnished
) -> None:
    tables = [table.resource_no for table in (await read(conn, ids)).tables]
    await occupy(conn, "bk_own", tables[0], START, END)
    await occupy(conn, "bk_own", tables[1], START + 9 * HOUR, END + 9 * HOUR)
    place = await read(conn, ids, holder_id="bk_own")
    assert (place.taken, place.held) == (frozenset(), frozenset(tables))
    assert (await read(conn, ids, holder_id="bk_other")).taken == {tables[0]}
    assert (await read(conn, ids)).taken == {tables[0]}


@pytest.mark.parametrize(
    ("start", "end", "taken"),
    [
        (START - HOUR, START - 10 * MINUTE, False),
        (START - HOUR, START - 9 * MINUTE, True),
        (END + 19 * MINUTE, END + HOUR, True),
        (END + 20 * MINUTE, END + HOUR, False),
    ],
)
async def test_the_event_types_buffers_widen_what_is_looked_at(
    conn: Connection, ids: Furnished, start: datetime, end: datetime, *, taken: bool
) -> None:
    table = (await read(conn, ids)).tables[0].resource_no
    await occupy(conn, "bk_other", table, start, end)
    assert (await read(conn, ids)).taken == frozenset()
    place = await read(conn, ids, event_type_id=ids.event_type_id)
    assert place.taken == (frozenset({table}) if taken else frozenset())


async def test_buffers_that_leave_the_bounds_are_looked_up_within_them(conn: Connection, ids: Furnished) -> None:
    table = (await read(conn, ids)).tables[0].resource_no
    await occupy(conn, "bk_first", table, EARLIEST, EARLIEST + MINUTE)
    await occupy(conn, "bk_last", table, LATEST - MINUTE, LATEST)
    for span in (Span(EARLIEST + 5 * MINUTE, EARLIEST + HOUR), Span(LATEST - HOUR, LATEST - 5 * MINUTE)):
        assert (await read(conn, ids, span)).taken == frozenset()
        assert (await read(conn, ids, span, event_type_id=ids.event_type_id)).taken == {table}
