"""Telling what is found in Cal.com: the projection moves on and its event leaves with the same commit.

Invariant: what is told differs from what was told before it, and names every field in which it does, unless booking has
not taken it over and is told again; a chain's events are numbered without a gap. Comparing and writing them holds
nobody else up, however large they are.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from calcom_sync.domain.changes import changed, fingerprint
from calcom_sync.store import chains
from calcom_sync.store.chains import Known
from chassis import outbox, tracing
from chassis.clock import Clock
from chassis.ids import Ids
from chassis.outbox import OutboxMessage
from chassis.unit import Unit
from slotwire_contracts import (
    CALCOM_BOOKINGS,
    CalcomBooking,
    CalcomBookingObserved,
    FoundBy,
    ObservedChange,
    encode,
    make_event,
    record_key,
)


@dataclass(frozen=True, slots=True)
class _Written:
    """A chain that is told: as it is stored, whether it was known, and what leaves with it."""

    told: Known
    is_new: bool
    message: OutboxMessage


class Telling:
    """Tells booking what was found."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids

    async def tell(
        self,
        unit: Unit,
        org_id: str,
        found: Sequence[CalcomBooking],
        *,
        by: FoundBy,
        run_id: str | None,
        again: Collection[str] = (),
    ) -> dict[str, str]:
        """Store snapshots and publish those that differ from what was told last.

        Args:
            unit: the transaction.
            org_id: whose they are.
            found: one snapshot of each chain.
            by: what found them.
            run_id: the run that did.
            again: the ids of chains that are told though they be as they were told last.

        Returns:
            The ids of the events, by the chains' ids; a chain that is as it was told last has none.
        """
        before = await chains.lock(unit.conn, org_id, [one.chain_id for one in found])
        change = ObservedChange(found_by=by, run_id=run_id, changed=())
        written = await asyncio.to_thread(self._written, org_id, found, before, change, again)
        if written:
            await chains.insert(unit.conn, org_id, [one.told for one in written if one.is_new])
            await chains.update(unit.conn, org_id, [one.told for one in written if not one.is_new])
            await outbox.append(unit.conn, [one.message for one in written])
            unit.publishes()
        return {one.told.snapshot.chain_id: one.told.last_event_id for one in written}

    def _written(
        self,
        org_id: str,
        found: Sequence[CalcomBooking],
        before: Mapping[str, Known],
        change: ObservedChange,
        again: Collection[str],
    ) -> list[_Written]:
        now, written = self._clock(), list[_Written]()
        for snapshot in found:
            known = before.get(snapshot.chain_id)
            told = self._following(snapshot, known, now, again=snapshot.chain_id in again)
            if told is not None:
                names = changed(None if known is None else known.snapshot, snapshot)
                event = _event(told, change.model_copy(update={"changed": names}), org_id, now)
                written.append(_Written(told, known is None, _message(event)))
        return written

    def _following(self, snapshot: CalcomBooking, known: Known | None, now: datetime, *, again: bool) -> Known | None:
        """Number what is told next; None where that is what was told last."""
        mark = fingerprint(snapshot)
        if known is None:
            return Known(snapshot, 1, self._ids.following("evt", None, now), mark)
        if known.fingerprint == mark and not again:
            return None
        return Known(snapshot, known.sequence + 1, self._ids.following("evt", known.last_event_id, now), mark)


def _event(told: Known, change: ObservedChange, org_id: str, now: datetime) -> CalcomBookingObserved:
    return make_event(
        "calcom_booking.observed",
        id=told.last_event_id,
        time=now,
        resource=told.snapshot,
        change=change,
        orgid=org_id,
        sequence=told.sequence,
        actor="calcom",
        traceparent=tracing.current(),
    )


def _message(event: CalcomBookingObserved) -> OutboxMessage:
    return OutboxMessage(event.id, CALCOM_BOOKINGS.name, record_key(event), encode(event))
