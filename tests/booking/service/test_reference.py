"""Use cases on reference data: the clock and the ids that they are given, and the lanes they keep."""

from datetime import timedelta
from itertools import count

import pytest

from booking.domain.actors import Actor
from booking.domain.errors import NotFoundError, ValidationFailedError
from booking.domain.listing import Page
from booking.domain.reference import EVENT_TYPES, LOCATIONS, SCHEDULES, TABLES, EventType, Location, Schedule, Table
from booking.service.reference import ReferenceData
from chassis.ids import Ids, new_id, next_id
from chassis.postgres import Database
from chassis.unit import UnitOfWork
from support.booking_desk import ORIGIN
from support.booking_values import NOW

ROOM = Schedule(name="Room", timezone="UTC", capacity=2)


@pytest.fixture
def actor() -> Actor:
    return Actor(new_id("org"), "staff")


@pytest.fixture
def data(db: Database) -> ReferenceData:
    """The use cases; every look at their clock is a second later, and ids are numbered."""
    seconds, numbers, run = count(), count(1), new_id("run")
    return ReferenceData(
        UnitOfWork(db, lambda: None),
        db,
        lambda: NOW + timedelta(seconds=next(seconds)),
        Ids(lambda prefix: f"{prefix}_{run}_{next(numbers)}", next_id),
    )


async def lanes(db: Database, owner_id: str) -> int:
    async with db.connection() as conn:
        return int(await conn.fetchval("SELECT count(*) FROM resources WHERE owner_id = $1", owner_id))


async def test_an_entity_has_the_id_the_time_and_the_lanes_it_was_given(
    db: Database, data: ReferenceData, actor: Actor
) -> None:
    made = await data.create(actor, SCHEDULES, ROOM, ORIGIN, None)
    assert (made.id[:4], made.id[-2:], made.created_at, made.updated_at) == ("sch_", "_1", NOW, NOW)
    assert await data.get(actor, SCHEDULES, made.id) == made
    assert await lanes(db, made.id) == 2


async def test_a_change_is_dated_and_no_change_is_not(db: Database, data: ReferenceData, actor: Actor) -> None:
    made = await data.create(actor, SCHEDULES, ROOM, ORIGIN, None)
    assert await data.change(actor, SCHEDULES, made.id, {"capacity": 2}, ORIGIN) == made
    changed = await data.change(actor, SCHEDULES, made.id, {"capacity": 4}, ORIGIN)
    assert (changed.created_at, changed.updated_at) == (NOW, NOW + timedelta(seconds=2))
    assert await data.get(actor, SCHEDULES, made.id) == changed
    assert await lanes(db, made.id) == 4
    lowered = await data.change(actor, SCHEDULES, made.id, {"capacity": 1}, ORIGIN)
    assert (lowered.entity.capacity, await lanes(db, made.id)) == (1, 4)


async def test_what_names_another_organizations_entity_is_refused(data: ReferenceData, actor: Actor) -> None:
    others = Actor(new_id("org"), "staff")
    location = await data.create(others, LOCATIONS, Location(name="Bistro", timezone="UTC"), ORIGIN, None)
    schedule = await data.create(others, SCHEDULES, ROOM, ORIGIN, None)
    table = Table(location_id=location.id, name="T", min_party=1, max_party=2)
    talk = EventType(name="Talk", schedule_id=schedule.id, duration_minutes=30)
    with pytest.raises(ValidationFailedError) as refused:
        await data.create(actor, TABLES, table, ORIGIN, None)
    assert refused.value.message == "location_id: must be the id of a location; there is none with this id"
    with pytest.raises(ValidationFailedError) as refused:
        await data.create(actor, EVENT_TYPES, talk, ORIGIN, None)
    assert refused.value.message == "schedule_id: must be the id of a schedule; there is none with this id"
    with pytest.raises(NotFoundError, match="there is no such schedule"):
        await data.change(actor, SCHEDULES, schedule.id, {"name": "Mine now"}, ORIGIN)
    assert (await data.page(actor, TABLES, Page(10, 0), {})).total == 0
    assert (await data.page(actor, EVENT_TYPES, Page(10, 0), {})).total == 0
