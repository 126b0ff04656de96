"""Services with event instances, who registers for them, and what they were told."""

import asyncio
from collections.abc import Collection
from typing import Any

from slotwire_contracts import BOOKING_EVENTS, AnyEvent, decode
from support.booking_service import SOON, Answer, Caller, Service, somebody, text
from support.reference_data import made
from support.topics import read_topic

PATH = "/v2/event_instances"
_YOGA: dict[str, Any] = {
    "location_id": None,
    "timezone": "Europe/Berlin",
    "duration_minutes": 60,
    "max_attendance": 10,
    "requires_confirmation": False,
}


async def add_service(staff: Caller, **fields: Any) -> str:
    """Add a service of one hour and 10 spots in Berlin, and answer its id."""
    return await made(staff, "services", **{**_YOGA, **fields})


async def post_instance(staff: Caller, service_id: str, **fields: Any) -> Answer:
    """Try to make an instance of a service."""
    return await staff.post(PATH, {"service_id": service_id, "start_time": text(SOON), **fields})


async def add_instance(staff: Caller, **fields: Any) -> dict[str, Any]:
    """Make an instance of a new service and answer it."""
    return dict((await post_instance(staff, await add_service(staff), **fields)).data)


async def register(caller: Caller, uid: str, **fields: Any) -> Answer:
    """Try to register somebody new for an instance."""
    return await caller.post(f"{PATH}/{uid}/registrations", {"attendee": somebody(), **fields})


async def registered(staff: Caller, uid: str, status: str = "CONFIRMED", **fields: Any) -> dict[str, Any]:
    """Register somebody new, bring the registration to a status and answer it."""
    booked = await register(staff, uid, **fields)
    if status != booked.data["status"]:
        booked = await staff.patch(f"/api/v1/bookings/{booked.data['id']}", {"status": status, "correction": True})
    return dict(booked.data)


async def hold(staff: Caller, uid: str, spots: int) -> str:
    """Hold spots of an instance, and answer the hold's id."""
    held = await staff.post("/api/v1/holds", {"event_instance_id": uid, "party_size": spots})
    return str(held.data["id"])


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
