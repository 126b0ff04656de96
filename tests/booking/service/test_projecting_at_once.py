"""I6 and I9 while snapshots of Cal.com and those who book here are at it at once, in an order that chance decides.

`SLOTWIRE_PROOF_RUNS` asks for more runs.
"""

import asyncio
import os
import random
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from booking.domain.change import Change
from booking.domain.creation import Attendee
from booking.domain.errors import BookingError
from booking.domain.occupancy import occupied
from booking.domain.status import Status
from booking.service.claiming import Claims
from booking.service.snapshots import snapshot
from booking.store import external
from booking.store.bookings import SELECTED, booking_of
from chassis.ids import Ids, new_id, next_id
from chassis.unit import UnitOfWork
from slotwire_contracts import FieldChanges, Reservation
from support.booking_desk import ORIGIN, Desk
from support.booking_values import START, a_request
from support.calcom_bookings import Watcher, a_snapshot

RUNS = int(os.environ.get("SLOTWIRE_PROOF_RUNS", "12"))
ROUNDS, AT_ONCE, CHAINS, PLACES = 12, 5, 6, 5
QUARTER = timedelta(minutes=15)
STATUSES = ("PENDING", "CONFIRMED", "CONFIRMED", "CONFIRMED", "COMPLETED", "CANCELLED", "NO_SHOW")


class Play:
    """Some who book at one schedule of two lanes, and a Cal.com that is connected to it."""

    def __init__(self, desk: Desk, schedule_id: str, chance: random.Random) -> None:
        self.desk, self.schedule_id, self.chance = desk, schedule_id, chance
        self.calcom = Watcher(desk)
        self.claims = Claims(UnitOfWork(desk.db, lambda: None), desk.clock, Ids(new_id, next_id))
        self.booked: list[str] = []
        self.held: list[str] = []
        self.chains = [secrets.token_hex(6) for _ in range(CHAINS)]

    def acts(self) -> list[Callable[[], Awaitable[object]]]:
        """Draw what is done at once; of a chain at most one thing, as its events are in one partition."""
        chains = self.chance.sample(self.chains, AT_ONCE)
        every = (self.finds, self.finds, self.books, self.cancels, self.moves, self.holds, self.releases, self.looks)
        return [self.chance.choice(every)(chain) for chain in chains]

    def times(self) -> dict[str, object]:
        start = START + self.chance.randrange(PLACES) * QUARTER
        return {"start_time": start, "end_time": start + self.chance.randint(1, 4) * QUARTER}

    def finds(self, chain: str) -> Callable[[], Awaitable[object]]:
        uid = f"{chain}_{self.chance.randrange(3)}"
        seen = a_snapshot(chain, self.schedule_id, uid=uid, status=self.chance.choice(STATUSES), **self.times())
        observed = self.calcom.observe(seen)
        return lambda: self.calcom.apply(observed)

    def books(self, _: str) -> Callable[[], Awaitable[object]]:
        name = secrets.token_hex(4)
        who = Attendee(name, f"{name}@example.com")
        new = a_request(schedule_id=self.schedule_id, attendee=who, **self.times())

        async def book() -> None:
            self.booked.append((await self.desk.bookings.create(self.desk.actor, new, ORIGIN, None)).id)

        return book

    def cancels(self, _: str) -> Callable[[], Awaitable[object]]:
        return self._changes(Change(status=Status.CANCELLED))

    def moves(self, _: str) -> Callable[[], Awaitable[object]]:
        return self._changes(Change(details=self.times()))

    def _changes(self, change: Change) -> Callable[[], Awaitable[object]]:
        if not self.booked:
            return self.claims.claim_due
        booking_id = self.chance.choice(self.booked)
        return lambda: self.desk.bookings.change(self.desk.actor, booking_id, change, ORIGIN)

    def holds(self, _: str) -> Callable[[], Awaitable[object]]:
        times = self.times()

        async def hold() -> None:
            given = {"schedule_id": self.schedule_id, **times}
            self.held.append((await self.desk.holds.create(self.desk.actor, given, 10, None)).id)

        return hold

    def releases(self, _: str) -> Callable[[], Awaitable[object]]:
        if not self.held:
            return self.claims.claim_due
        hold_id = self.held.pop(self.chance.randrange(len(self.held)))
        return lambda: self.desk.holds.release(self.desk.actor, hold_id, ORIGIN)

    def looks(self, _: str) -> Callable[[], Awaitable[object]]:
        return self.claims.claim_due

    async def check(self) -> int:
        """Compare what is stored, what is occupied and what was told; answer how many bookings wait for their time."""
        while await self.claims.claim_due():
            pass
        async with self.desk.db.connection() as conn:
            rows = await conn.fetch(f"SELECT {SELECTED} FROM bookings WHERE org_id = $1", self.desk.actor.org_id)
            kept = await conn.fetch("SELECT DISTINCT booking_id FROM occupancy WHERE booking_id IS NOT NULL")
        bookings, having = [booking_of(row) for row in rows], {row["booking_id"] for row in kept}
        for booking in bookings:
            takes = occupied(booking, self.desk.now) is not None
            assert (booking.id in having) is (takes and not booking.conflict), booking
            assert takes or not booking.conflict, booking
            events: list[Any] = await self.desk.told(booking.id)
            assert [event.sequence for event in events] == list(range(1, len(events) + 1))
            assert events[-1].data.resource == snapshot(booking)
            before: Reservation | None = None
            for event in events:
                is_true(event, before)
                before = event.data.resource
        return sum(booking.conflict for booking in bookings)


def is_true(event: Any, before: Reservation | None) -> None:
    """Check that what an event of a booking says has changed is what differs between the snapshots."""
    after, change = event.data.resource, event.data.change.model_dump(mode="json")
    if before is None:
        assert event.type == "reservation.created"
    elif event.type == "reservation.updated":
        was, now = (one.model_dump(mode="json") for one in (before, after))
        names = [name for name in FieldChanges.model_fields if was[name] != now[name]]
        assert change["changes"] == {name: {"from": was[name], "to": now[name]} for name in names}
        assert was["status"] == now["status"]
    else:
        assert (change["from_status"], change["to_status"]) == (before.status.lower(), after.status.lower())
        assert event.type == f"reservation.{after.status.lower()}"


@pytest.mark.parametrize("run", range(RUNS))
async def test_nothing_overlaps_and_all_is_told_whatever_comes_at_once(desk: Desk, run: int) -> None:
    desk.now = START + 4 * QUARTER  # some of it is over, some is yet to come
    play = Play(desk, await desk.schedule(capacity=2), random.Random(run))
    waited = 0
    for _ in range(ROUNDS):
        done = await asyncio.gather(*(act() for act in play.acts()), return_exceptions=True)
        assert not [one for one in done if isinstance(one, BaseException) and not isinstance(one, BookingError)], done
        waited += await play.check()
    assert waited
    async with desk.db.transaction() as conn:
        assert await external.claimable(conn, None, 10, now=desk.now) == []
