"""The use case of applying what is found in Cal.com.

Invariant: a snapshot's effect, the events that tell of it and the answer to whoever found it commit together; a
snapshot that is older than what is here changes nothing.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import assert_never

from booking.domain.actors import Actor
from booking.domain.booking import Booking
from booking.domain.errors import Flaw, SlotUnavailableError, ValidationFailedError
from booking.domain.external import (
    PROVIDER,
    Chain,
    keeps_buffers,
    looked_at,
    projected,
    provided_metadata,
    steps,
)
from booking.domain.occupancy import Claim, Keep, Plan, Reclaim, Release, Shorten, freed, occupied, plan
from booking.domain.place import Place
from booking.domain.status import Status
from booking.service.claiming import claim_freed
from booking.service.events import message_of
from booking.service.occupying import find
from booking.service.recording import write
from booking.store import bookings, external, occupancy, places
from booking.store.contention import unless_lost
from chassis import outbox
from chassis.clock import Clock
from chassis.ids import Ids
from chassis.origin import Origin
from chassis.postgres import Connection
from chassis.unit import Unit
from slotwire_contracts import (
    CalcomBooking,
    CalcomBookingApplied,
    CalcomBookingObserved,
    CalcomOutcome,
    CalcomProblem,
    CalcomResult,
    make_event,
)

_TRIES = 5


@dataclass(frozen=True)
class Verdict:
    """What became of a snapshot."""

    outcome: CalcomOutcome
    booking: Booking | None
    flaw: Flaw | None = None


class Projection:
    """Applies snapshots of Cal.com's bookings, and answers each."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._new_id = partial(ids.new, "bk")
        self._next_event_id = partial(ids.following, "evt")

    async def apply(self, conn: Connection, observed: CalcomBookingObserved) -> None:
        """Bring a booking to what was found, and answer what became of it.

        Args:
            conn: the transaction that has claimed the event.
            observed: what was found.
        """
        for attempt in range(1, _TRIES + 1):
            answered = await unless_lost(conn, partial(self._apply, Unit(conn), observed, attempt))
            if answered is not None:
                return
        raise AssertionError("the last try claims nothing that could be taken")

    async def _apply(self, unit: Unit, observed: CalcomBookingObserved, attempt: int) -> CalcomBookingApplied:
        seen, org_id = observed.data.resource, observed.orgid
        chain = await external.lock(unit.conn, org_id, PROVIDER, seen.chain_id)
        before = None
        if chain.booking_id is not None:
            before = await bookings.fetch(unit.conn, Actor(org_id, "calcom"), chain.booking_id, lock=True)
        if observed.sequence <= chain.sequence:
            verdict = Verdict(CalcomOutcome.STALE, before)
        else:
            verdict, chain = await self._follow(unit, observed, before, chain, attempt)
        answer = self._answer(observed, chain, verdict)
        chain = replace(chain, answers=answer.sequence, last_answer_id=answer.id, last_answer_at=answer.time)
        await external.keep(unit.conn, org_id, PROVIDER, seen.chain_id, chain)
        await outbox.append(unit.conn, [message_of(answer)])
        return answer

    async def _follow(
        self, unit: Unit, observed: CalcomBookingObserved, before: Booking | None, chain: Chain, attempt: int
    ) -> tuple[Verdict, Chain]:
        """Bring the booking to what was found, and answer what is known of the chain then."""
        seen = observed.data.resource
        chain = replace(chain, sequence=observed.sequence)
        try:
            booking = await self._project(unit, observed, before, chain, attempt)
        except ValidationFailedError as refused:
            return Verdict(CalcomOutcome.INVALID, before, refused.flaws[0]), chain
        keys = tuple(sorted(provided_metadata(seen)))
        return Verdict(_outcome(before, booking), booking), replace(chain, booking_id=booking.id, metadata_keys=keys)

    async def _project(
        self, unit: Unit, observed: CalcomBookingObserved, before: Booking | None, chain: Chain, attempt: int
    ) -> Booking:
        """Write the booking as it was found, with its time if that is free.

        Raises:
            ValidationFailedError: it cannot be a booking here.
        """
        seen, now = observed.data.resource, self._clock()
        actor = Actor(observed.orgid, "calcom")
        origin = Origin(observed.correlationid or observed.id, observed.traceparent, observed.id)
        place = await _place(unit.conn, actor.org_id, seen, before, now=now)
        after = projected(
            seen, before, place, chain.metadata_keys, booking_id=self._new_id(), org_id=actor.org_id, now=now
        )
        todo = _plan(before, after, now)
        claim = await _reoccupy(unit.conn, todo, before, after, place, now=now, attempt=attempt)
        after = replace(after, conflict=isinstance(todo, Reclaim) and claim is None)
        told = steps(before, after, seen.status_reason, now)
        if before is not None and not told:
            if before.times_editable != after.times_editable:
                await external.let_edit(unit.conn, before, times_editable=after.times_editable)
            return before
        stored = await write(unit, before, told, actor, origin, claim=claim, now=now, next_event_id=self._next_event_id)
        if before is not None and (left := freed(before, stored, now)) is not None:
            await claim_freed(unit, [left], origin, now=now, next_event_id=self._next_event_id)
        return stored

    def _answer(self, observed: CalcomBookingObserved, chain: Chain, verdict: Verdict) -> CalcomBookingApplied:
        seen, booking, flaw = observed.data.resource, verdict.booking, verdict.flaw
        at = self._clock() if chain.last_answer_at is None else max(self._clock(), chain.last_answer_at)
        return make_event(
            "calcom_booking.applied",
            id=self._next_event_id(chain.last_answer_id, at),
            time=at,
            resource=CalcomResult(
                chain_id=seen.chain_id,
                uid=seen.uid,
                observed_sequence=observed.sequence,
                booking_id=None if booking is None else booking.id,
                outcome=verdict.outcome,
                conflict=booking is not None and booking.conflict,
                problem=None if flaw is None else CalcomProblem(param=flaw.param, message=flaw.message),
            ),
            change={"run_id": observed.data.change.run_id},
            orgid=observed.orgid,
            sequence=chain.answers + 1,
            actor="calcom",
            correlationid=observed.correlationid,
            causationid=observed.id,
            traceparent=observed.traceparent,
        )


async def _place(conn: Connection, org_id: str, seen: CalcomBooking, before: Booking | None, *, now: datetime) -> Place:
    """Read where it takes place, with what others have there.

    What takes place there without having its time is not in its way: whichever of them is first gets what is free.

    Raises:
        ValidationFailedError: as `looked_at` says.
    """
    place = await places.read(
        conn,
        org_id,
        looked_at(seen, before),
        now=now,
        schedule_id=seen.schedule_id,
        location_id=None,
        event_type_id=seen.event_type_id,
        holder_id=None if before is None else before.id,
        widened=not keeps_buffers(seen, before),
    )
    return replace(place, unplaced=0)


def _plan(before: Booking | None, after: Booking, now: datetime) -> Plan:
    """Decide what a snapshot means for what the booking occupies: one that has no time yet looks for it."""
    wanted = occupied(after, now)
    if before is None or before.conflict:
        return Keep() if wanted is None else Reclaim(wanted)
    other = (before.schedule_id, before.event_type_id) != (after.schedule_id, after.event_type_id)
    if before.status is Status.COMPLETED and after.status is not before.status:
        # How much of its time it had used up when it completed, only its claim knows.
        return Release() if wanted is None else Reclaim(wanted)
    return plan(before, after, reassign=other, now=now)


async def _reoccupy(
    conn: Connection,
    todo: Plan,
    before: Booking | None,
    after: Booking,
    place: Place,
    *,
    now: datetime,
    attempt: int,
) -> Claim | None:
    """Give up what the booking no longer occupies, and answer the claim of what it is to occupy, if that is free."""
    match todo:
        case Keep():
            return None
        case Release():
            await occupancy.release(conn, after.id)
            return None
        case Shorten(end):
            await occupancy.shorten(conn, after.id, end)
            return None
        case Reclaim(span):
            claim = None
            if attempt < _TRIES:
                with suppress(SlotUnavailableError):
                    claim = await find(conn, after, place, span, chosen=None, now=now, attempt=attempt)
            if before is not None:
                await occupancy.release(conn, after.id)
            return claim
        case unknown:
            assert_never(unknown)


def _outcome(before: Booking | None, stored: Booking) -> CalcomOutcome:
    if stored is before:
        return CalcomOutcome.UNCHANGED
    if stored.conflict:
        return CalcomOutcome.CONFLICT
    return CalcomOutcome.CREATED if before is None else CalcomOutcome.UPDATED
