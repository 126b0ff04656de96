"""Services with event instances, who registers for them, and what they were told."""

import asyncio
from collections.abc import Collection
from typing import Any

from chassis.clock import utc_now
from chassis.ids import new_id
from chassis.postgres import Database
from slotwire_contracts import BOOKING_EVENTS, AnyEvent, decode
from support.booking_service import SOON, Answer, Caller, Service, somebody, text
from support.topics import read_topic

PATH = "/v2/event_instances"


async def add_service(db: Database, org_id: str, **fields: Any) -> str:
    """Add a service of one hour and 10 spots in Berlin, and answer its id."""
    columns = {
        "id": new_id("svc"),
        "org_id": org_id,
        "name": "Yoga",
        "service_type": "event",
        "timezone": "Europe/Berlin",
        "duration_minutes": 60,
        "max_attendance": 10,
        "requires_confirmation": False,
        "created_at": utc_now(),
        "updated_at": utc_now(),
        **fields,
    }
    values = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    async with db.connection() as conn:
        await conn.execute(f"INSERT INTO services ({', '.join(columns)}) VALUES ({values})", *columns.values())
    return str(columns["id"])


async def post_instance(staff: Caller, service_id: str, **fields: Any) -> Answer:
    """Try to make an instance of a service."""
    return await staff.post(PATH, {"service_id": service_id, "start_time": text(SOON), **fields})


async def add_instance(db: Database, staff: Caller, **fields: Any) -> dict[str, Any]:
    """Make an instance of a new service and answer it."""
    made = await post_instance(staff, await add_service(db, staff.org_id), **fields)
    return dict(made.data)


async def register(caller: Caller, uid: str, **fields: Any) -> Answer:
    """Try to register somebody new for an instance."""
    return await caller.post(f"{PATH}/{uid}/registrations", {"attendee": somebody(), **fields})


async def registered(staff: Caller, uid: str, status: str = "CONFIRMED", **fields: Any) -> dict[str, Any]:
    """Register somebody new, bring the registration to a status and answer it."""
    made = await register(staff, uid, **fields)
    if status != made.data["status"]:
        made = await staff.patch(f"/api/v1/bookings/{made.data['id']}", {"status": status, "correction": True})
    return dict(made.data)


async def hold(staff: Caller, uid: str, spots: int) -> str:
    """Hold spots of an instance, and answer the hold's id."""
    made = await staff.post("/api/v1/holds", {"event_instance_id": uid, "party_size": spots})
    return str(made.data["id"])


async def told(service: Service, subjects: Collection[str], count: int) -> list[AnyEvent]:
    """Wait until the topic tells so many events of some resources, and answer all that it tells of them."""
    keys = {subject.encode() for subject in subjects}
    async with asyncio.timeout(30):
        while True:
            records = await read_topic(service.settings.kafka_bootstrap, BOOKING_EVENTS.name)
            events = [decode(record.value) for record in records if record.key in keys]
            if len(events) >= count:
                return events
            await asyncio.sleep(0.1)
