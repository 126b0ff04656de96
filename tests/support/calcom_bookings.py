"""What is found in Cal.com, as calcom-sync tells it, and what booking makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from booking.domain.booking import Booking
from booking.service.projecting import Projection
from chassis.ids import Ids, new_id, next_id
from slotwire_contracts import (
    CalcomBooking,
    CalcomBookingApplied,
    CalcomBookingObserved,
    CalcomOutcome,
    CalcomResult,
    make_event,
)
from support.booking_desk import Desk
from support.booking_values import END, START

ADA: Mapping[str, Any] = {
    "name": "Ada",
    "email": "ada@example.com",
    "phone": None,
    "timezone": "Europe/London",
    "absent": False,
    "seat_uid": None,
}


def a_snapshot(chain_id: str, schedule_id: str, **fields: Any) -> CalcomBooking:
    """A confirmed hour of Ada's, as Cal.com has it."""
    defaults: dict[str, Any] = {
        "chain_id": chain_id,
        "uid": chain_id,
        "uids": [fields.get("uid", chain_id)],
        "status": "CONFIRMED",
        "status_reason": None,
        "start_time": START,
        "end_time": fields.get("start_time", START) + (END - START),
        "title": "Consultation",
        "description": "First visit",
        "location": "https://example.com/room",
        "location_type": "video",
        "timezone": "Europe/Berlin",
        "schedule_id": schedule_id,
        "event_type_id": None,
        "calcom_event_type": {"id": 42, "slug": "consultation"},
        "host": {"name": "Grace", "email": "grace@example.com"},
        "attendees": [ADA],
        "party_size": 1,
        "recurring_booking_uid": None,
        "absent_host": False,
        "rescheduled_reason": None,
        "metadata": {"campaign": "spring"},
        "times_editable": False,
        "created_at": START - timedelta(days=30),
        "updated_at": None,
    }
    return CalcomBooking.model_validate({**defaults, **fields})


def an_observation(org_id: str, seen: CalcomBooking, sequence: int, *, now: datetime) -> CalcomBookingObserved:
    """The event that tells of a snapshot."""
    return make_event(
        "calcom_booking.observed",
        id=new_id("evt"),
        time=now,
        resource=seen,
        change={"found_by": "sync", "run_id": "run_1", "changed": []},
        orgid=org_id,
        sequence=sequence,
        actor="calcom",
    )


@dataclass
class Watcher:
    """Tells an organization's booking service what is found in Cal.com, each chain's news in order."""

    desk: Desk
    sequences: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.projection = Projection(self.desk.clock, Ids(new_id, next_id))

    @property
    def org_id(self) -> str:
        """Whose Cal.com is watched."""
        return self.desk.actor.org_id

    def observe(self, seen: CalcomBooking) -> CalcomBookingObserved:
        """Make the next event of a chain."""
        self.sequences[seen.chain_id] = self.sequences.get(seen.chain_id, 0) + 1
        return an_observation(self.org_id, seen, self.sequences[seen.chain_id], now=self.desk.now)

    async def apply(self, *observed: CalcomBookingObserved) -> list[CalcomResult]:
        """Have events applied in one transaction, and answer what became of them."""
        async with self.desk.db.transaction() as conn:
            for event in observed:
                await self.projection.apply(conn, event)
        answers = await self.answers(*{event.subject for event in observed})
        told = {answer.causationid: answer.data.resource for answer in answers}
        return [told[event.id] for event in observed]

    async def see(self, seen: CalcomBooking) -> CalcomResult:
        """Have a snapshot applied."""
        (result,) = await self.apply(self.observe(seen))
        return result

    async def answers(self, *chain_ids: str) -> list[CalcomBookingApplied]:
        """All that was answered of some chains."""
        told = await self.desk.told(*chain_ids)
        return [event for event in told if isinstance(event, CalcomBookingApplied) and event.orgid == self.org_id]

    async def booking(self, result: CalcomResult) -> Booking:
        """The booking that a snapshot became."""
        assert result.booking_id is not None, result
        return await self.desk.bookings.get(self.desk.actor, result.booking_id)

    async def holds_time(self, booking_id: str | None) -> bool:
        """Whether a booking has a lane."""
        async with self.desk.db.connection() as conn:
            found = await conn.fetchval("SELECT count(*) FROM occupancy WHERE booking_id = $1", booking_id)
        return bool(found)


CREATED, UPDATED, UNCHANGED = CalcomOutcome.CREATED, CalcomOutcome.UPDATED, CalcomOutcome.UNCHANGED
CONFLICT, STALE, INVALID = CalcomOutcome.CONFLICT, CalcomOutcome.STALE, CalcomOutcome.INVALID
