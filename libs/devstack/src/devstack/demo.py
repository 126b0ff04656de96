"""`slotwire demo`: one booking's whole journey on the running stack, step by step, with the time each step took.

Invariant: every step is really checked; one that does not happen in time ends the demo with what was missing.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.text import Text

from chassis.kafka import Consumer
from devstack.folder import Folder
from devstack.ports import free_port
from devstack.receiver import Receiver, receiving, subscribed
from devstack.stack import Api, MissingStepError, connected, needed
from devstack.tail import reading
from slotwire_contracts import BOOKING_EVENTS, DecodeError, decode

PATIENCE = 30.0  # seconds for an event or a webhook
DAYS_AHEAD = 2000


@dataclass(frozen=True)
class Journey:
    """What the steps need: the API, the receiver, the topic, and where to tell."""

    api: Api
    receiver: Receiver
    topic: Consumer
    console: Console

    @contextmanager
    def step(self, text: str) -> Iterator[Callable[[str], None]]:
        """Do one step and tell it with the time it took; what the callable is given is told beneath."""
        details: list[str] = []
        began = time.perf_counter()
        yield details.append
        took = (time.perf_counter() - began) * 1000
        self.console.print(Text.assemble(("✓", "green"), f" {text} ", (f"{took:.0f} ms", "dim")))
        for detail in details:
            self.console.print(Text(f"  {detail}", style="dim"))

    async def book(self, schedule: str, event_type: str) -> str:
        """POST the booking of the API reference's example; its id."""
        with self.step("booked: POST /api/v1/bookings") as tell:
            booking = (await self.api.call("POST", "/api/v1/bookings", booking_body(schedule, event_type)))["data"]
            tell(f"{booking['id']} is {booking['status']} at {booking['start_time']}")
        return str(booking["id"])

    async def see_event(self, booking: str, event_type: str) -> None:
        """Wait for an event on the topic."""
        with self.step(f"on the topic {BOOKING_EVENTS.name}: {event_type}") as tell:
            event_id = await _in_time(self._event(booking, event_type), f"{event_type} on the topic")
            tell(event_id)

    async def see_webhook(self, booking: str, event_type: str) -> None:
        """Wait for a webhook, its signature verified."""
        with self.step(f"webhook arrived, signature verified: {event_type}") as tell:
            tell(await _in_time(self._webhook(booking, event_type), f"the webhook {event_type}"))

    async def _event(self, booking: str, event_type: str) -> str:
        while True:
            for record in await self.topic.fetch(at_most=1, wait_seconds=1.0):
                try:
                    event = decode(record.value)
                except DecodeError:
                    continue  # anybody may have written to the topic
                if (event.subject, event.type) == (booking, event_type):
                    return event.id

    async def _webhook(self, booking: str, event_type: str) -> str:
        while True:
            arrival = await self.receiver.arrivals.get()
            if arrival.problem is not None:
                raise MissingStepError(f"a webhook's signature was refused: {arrival.problem}")
            if (arrival.payload["resourceId"], arrival.payload["event"]) == (booking, event_type):
                return f"webhook-id {arrival.webhook_id}, eventId {arrival.payload['eventId']}"


async def demo(folder: Folder, console: Console) -> None:
    """Tell the journey.

    Raises:
        NotSetError: no stack is known.
        RefusedError: the API refused a call, or the broker is away.
        MissingStepError: an event or a webhook did not come.
    """
    schedule, event_type = needed("SLOTWIRE_SCHEDULE", folder), needed("SLOTWIRE_EVENT_TYPE", folder)
    bootstrap = needed("SLOTWIRE_KAFKA_BOOTSTRAP", folder)
    began = time.perf_counter()
    async with (
        connected(folder) as api,
        receiving(free_port()) as (receiver, url),
        reading(bootstrap, BOOKING_EVENTS.name, from_beginning=False) as topic,
    ):
        await topic.fetch(at_most=1, wait_seconds=0.5)  # finds the topic's end, behind which the demo reads
        journey = Journey(api, receiver, topic, console)
        await _tell(journey, url, schedule, event_type)
    console.print(f"[bold green]The whole journey took {time.perf_counter() - began:.1f} s.[/]")


async def _tell(journey: Journey, url: str, schedule: str, event_type: str) -> None:
    async with AsyncExitStack() as stack:
        with journey.step(f"subscribed a receiver on this machine, {url}, to reservation.*") as tell:
            tell(await stack.enter_async_context(subscribed(journey.api, journey.receiver, url, ["reservation.*"])))
        booking = await journey.book(schedule, event_type)
        await _arrive(journey, booking, "reservation.created")
        with journey.step("confirmed: PATCH status CONFIRMED"):
            await journey.api.call("PATCH", f"/api/v1/bookings/{booking}", {"status": "CONFIRMED"})
        await _arrive(journey, booking, "reservation.confirmed")
        with journey.step("read its history: GET /v1/reservations/{id}/events") as tell:
            for event in (await journey.api.call("GET", f"/v1/reservations/{booking}/events"))["data"]:
                tell(f"{event['created_at']} {event['type']} {event['data']}")
        with journey.step("cancelled: DELETE"):
            await journey.api.call("DELETE", f"/api/v1/bookings/{booking}")
        await _arrive(journey, booking, "reservation.cancelled")


async def _arrive(journey: Journey, booking: str, event_type: str) -> None:
    await journey.see_event(booking, event_type)
    await journey.see_webhook(booking, event_type)


def booking_body(schedule: str, event_type: str) -> dict[str, Any]:
    """The booking of the API reference's example, at an hour that nobody else is likely to want."""
    day = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    start = day + timedelta(days=random.randint(1, DAYS_AHEAD))  # noqa: S311 - spreads demos, guards nothing
    return {
        "schedule_id": schedule,
        "event_type_id": event_type,
        "start_time": start.isoformat(),
        "end_time": (start + timedelta(hours=1)).isoformat(),
        "timezone": "America/Los_Angeles",
        "title": "Consultation Call",
        "location": "Zoom",
        "location_type": "video",
        "attendee": {
            "name": "John Doe",
            "email": "john@example.com",
            "phone": "+1234567890",
            "timezone": "America/New_York",
            "notes": "First-time visitor",
        },
        "metadata": {"source": "website"},
    }


async def _in_time(work: Awaitable[str], what: str) -> str:
    try:
        async with asyncio.timeout(PATIENCE):
            return await work
    except TimeoutError:
        raise MissingStepError(f"{what} did not come within {PATIENCE:.0f} s") from None
