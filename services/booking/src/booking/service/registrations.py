"""What a change of an event instance does to its registrations.

Invariant: a registration moves or ends with history and outbox rows of its own, in the transaction of its instance's
change.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from booking.domain.actors import Actor
from booking.domain.booking import Booking
from booking.domain.change import facts
from booking.domain.facts import NextId
from booking.domain.instances import EventInstance, moved
from booking.domain.status import Status
from booking.service.recording import write
from booking.store import bookings, instances, spots
from chassis.origin import Origin
from chassis.postgres import Connection
from chassis.unit import Unit


async def lock(conn: Connection, org_id: str, instance_id: str, statuses: Collection[Status]) -> list[Booking]:
    """Lock an instance, whether or not it is there, and before it its registrations in some statuses; answer these.

    Whoever changes a registration locks it first and then its instance. The same order keeps both from waiting for each
    other, but for registrations that came while the first ones were locked: these are looked for once nobody else can
    come, and the database ends one of two who wait for each other over them.
    """
    first = await bookings.lock_registrations(conn, org_id, instance_id, statuses)
    await instances.lock(conn, org_id, instance_id)
    return [*first, *await bookings.lock_registrations(conn, org_id, instance_id, statuses, besides=first)]


@dataclass(frozen=True)
class Following:
    """Lets registrations follow what became of their instance.

    Attributes:
        unit: the transaction of the instance's change; it holds the lock of every registration.
        actor: who changes the instance.
        origin: the request behind it.
        now: the current instant.
        next_event_id: makes the events' ids.
    """

    unit: Unit
    actor: Actor
    origin: Origin
    now: datetime
    next_event_id: NextId

    async def move(self, registered: Sequence[Booking], instance: EventInstance) -> None:
        """Give registrations the time that their instance has now."""
        for before in registered:
            after = moved(before, instance, now=self.now)
            await self._write(before, after, after)

    async def cancel(self, registered: Sequence[Booking], reason: str) -> None:
        """Cancel registrations, and let their spots fall free."""
        for before in registered:
            revised = replace(before, version=before.version + 1, updated_at=self.now)
            after = replace(revised, status=Status.CANCELLED)
            await spots.book(self.unit.conn, after)
            await self._write(before, revised, after, reason)

    async def _write(self, before: Booking, revised: Booking, after: Booking, reason: str | None = None) -> None:
        steps = facts(before, revised, after, reason)
        if steps:
            await write(
                self.unit,
                before,
                steps,
                self.actor,
                self.origin,
                claim=None,
                now=self.now,
                next_event_id=self.next_event_id,
            )
