"""The organization that the model of the booking service is compared on: everything that can be booked, a little of it.

Invariant: the model's places are those of the database, by the numbers that their resources have there.
"""

from dataclasses import replace

from booking.domain.instances import EventInstance, NewInstance
from booking.domain.reference import (
    EVENT_TYPES,
    LOCATIONS,
    SERVICES,
    TABLES,
    EventType,
    Kind,
    Location,
    Service,
    T,
    Table,
)
from booking.service.instances import EventInstances
from chassis.ids import Ids, new_id, next_id
from chassis.unit import UnitOfWork
from support.booking_chance import MINUTE, MORNING
from support.booking_desk import ORIGIN, Desk
from support.booking_model import INSTANCE, Instance, Where, World
from support.booking_model import Table as Seats
from support.booking_play import Play
from support.booking_witness import Witness

SPOTS = 5
TABLES_FOR = {"Left": (1, 2, True), "Right": (2, 3, True), "Bar": (1, 3, False)}
"""The smallest and the largest party of each table, and whether it may be put together with others."""
HOURS = [{"start": "09:00", "end": "17:00"}]
BEFORE, AFTER = 15 * MINUTE, 30 * MINUTE
COMPLETE_AFTER = 60 * MINUTE


async def begin(desk: Desk) -> Play:
    """Make a schedule of two lanes, an event type with buffers, three tables and an event instance."""
    desk.now = MORNING - 30 * MINUTE
    minutes = COMPLETE_AFTER // MINUTE
    room = await desk.schedule(capacity=2, weekly_hours={"tuesday": HOURS}, complete_after_minutes=minutes)
    talk = EventType(
        name="Talk",
        schedule_id=room,
        duration_minutes=60,
        buffer_before_minutes=BEFORE // MINUTE,
        buffer_after_minutes=AFTER // MINUTE,
        requires_confirmation=False,
    )
    talk_id = await _add(desk, EVENT_TYPES, talk)
    bistro = await _add(desk, LOCATIONS, Location(name="Bistro", timezone="UTC", auto_confirm=True))
    tables = [
        await _add(
            desk,
            TABLES,
            Table(location_id=bistro, name=name, min_party=smallest, max_party=largest, combinable=combinable),
        )
        for name, (smallest, largest, combinable) in TABLES_FOR.items()
    ]
    numbers = {table_id: (await _numbers(desk, table_id))[0] for table_id in tables}
    seats = tuple(Seats(numbers[table_id], *about) for table_id, about in zip(tables, TABLES_FOR.values(), strict=True))
    instances, instance = await _instance(desk)
    return Play(
        desk=desk,
        instances=instances,
        places={
            "room": {"schedule_id": room},
            "talk": {"schedule_id": room, "event_type_id": talk_id},
            "bistro": {"location_id": bistro},
            "both": {"schedule_id": room, "location_id": bistro},
            "class": {"event_instance_id": instance.id},
        },
        world=World(
            places=_places(tuple(await _numbers(desk, room)), seats),
            instance=Instance(start=instance.start_time, end=instance.end_time, capacity=SPOTS),
        ),
        witness=Witness(desk, {number: table_id for table_id, number in numbers.items()}),
        ids={INSTANCE: instance.id},
    )


def _places(lanes: tuple[int, ...], tables: tuple[Seats, ...]) -> dict[str, Where]:
    room = Where("room", confirmed=False, lanes=lanes, opens=(9, 17), complete_after=COMPLETE_AFTER)
    return {
        "room": room,
        "talk": replace(room, confirmed=True, before=BEFORE, after=AFTER),
        "bistro": Where("bistro", confirmed=True, tables=tables),
        "both": replace(room, confirmed=True, tables=tables),
        "class": Where("class", confirmed=False, is_instance=True, complete_after=COMPLETE_AFTER),
    }


async def _instance(desk: Desk) -> tuple[EventInstances, EventInstance]:
    instances = EventInstances(
        UnitOfWork(desk.db, lambda: None), desk.db, desk.clock, Ids(new_id, next_id), desk.bookings
    )
    service = Service(
        name="Yoga",
        service_type="event",
        timezone="Europe/Berlin",
        requires_confirmation=True,
        complete_after_minutes=COMPLETE_AFTER // MINUTE,
    )
    new = NewInstance(
        service_id=await _add(desk, SERVICES, service),
        title=None,
        start_time=MORNING,
        end_time=None,
        timezone=None,
        location_id=None,
        max_attendance=SPOTS,
    )
    return instances, await instances.create(desk.actor, new, None)


async def _add(desk: Desk, kind: Kind[T], entity: T) -> str:
    return (await desk.data.create(desk.actor, kind, entity, ORIGIN, None)).id


async def _numbers(desk: Desk, owner_id: str) -> list[int]:
    """The numbers of the resources of a schedule or table."""
    async with desk.db.connection() as conn:
        rows = await conn.fetch("SELECT resource_no FROM resources WHERE owner_id = $1 ORDER BY lane", owner_id)
    return [row["resource_no"] for row in rows]
