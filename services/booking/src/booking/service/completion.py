"""Bookings that complete by themselves, some time after their end.

Invariant: only what was confirmed before its end completes so, and every completion is a change like any other, with
its history and its event.
"""

from functools import partial

from booking.domain.actors import Actor
from booking.domain.booking import Booking
from booking.domain.change import Change
from booking.domain.errors import BookingError
from booking.domain.status import Status
from booking.service.bookings import Bookings
from booking.store import bookings
from chassis.clock import Clock
from chassis.ids import Ids
from chassis.lifecycle import Stop
from chassis.origin import Origin
from chassis.postgres import Database

_LOOK_SECONDS = 5.0
BATCH = 200
REASON = "ended"


class Completion:
    """Completes bookings whose time is over."""

    def __init__(self, use_cases: Bookings, database: Database, clock: Clock, ids: Ids) -> None:
        self._use_cases = use_cases
        self._database = database
        self._clock = clock
        self._new_request_id = partial(ids.new, "req")

    async def run(self, stop: Stop) -> None:
        """Look again and again until asked to stop."""
        full = False
        while not await stop.wait(0 if full else _LOOK_SECONDS):
            full = await self.complete_due() == BATCH

    async def complete_due(self) -> int:
        """Complete what is due, a batch at most, and answer how many bookings that were."""
        async with self._database.connection() as conn:
            due = await bookings.due(conn, self._clock(), BATCH)
        for booking in due:
            await self._complete(booking)
        return len(due)

    async def _complete(self, booking: Booking) -> None:
        """Complete a booking, unless it has changed since it was seen to be due: then the next look decides anew."""
        change = Change(status=Status.COMPLETED, reason=REASON, if_version=booking.version)
        try:
            await self._use_cases.change(
                Actor(booking.org_id, "system"), booking.id, change, Origin(self._new_request_id())
            )
        except BookingError:
            return
