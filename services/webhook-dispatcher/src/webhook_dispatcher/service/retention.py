"""The days of events, deliveries and attempts: made before they are needed, dropped when they are old.

Invariants: an event is never written before its day is there; a day is dropped whole, by age, and only when none of its
deliveries is pending any more. What is left of a deleted subscription goes with the last day of its deliveries.
"""

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta

import structlog

from chassis.clock import Clock
from chassis.partitions import InUseError
from chassis.postgres import Database
from webhook_dispatcher.store import events, subscriptions
from webhook_dispatcher.store.days import DAYS, drop, make

_log = structlog.get_logger(__name__)
_AHEAD_DAYS = 3
_SUBSCRIPTIONS = 100  # are removed at once


class Retention:
    """Makes days and drops them.

    Args:
        database: where they are.
        clock: tells today.
        days: how many days are kept, today not counted.
    """

    def __init__(self, database: Database, clock: Clock, days: int) -> None:
        self._database = database
        self._clock = clock
        self._kept = timedelta(days=days)
        self._there: set[date] = set()

    async def ensure(self, days: Collection[date]) -> None:
        """Have days ready to be written to, outside of any transaction.

        Raises:
            OSError, asyncpg.PostgresError: when the database is away; call again.
        """
        # An old day may be dropped again at any time, by another process too, so it is never taken for granted.
        wanted = {day for day in days if day <= self._oldest or day not in self._there}
        if not wanted:
            return
        async with self._database.transaction() as conn:
            made = await make(conn, wanted)
        if made:
            _log.info("days_made", days=[day.isoformat() for day in made])
        self._there |= wanted

    async def make_ahead(self) -> None:
        """Have the days ready around today and some after it.

        Raises:
            OSError, asyncpg.PostgresError: when the database is away.
        """
        await self.ensure({self._today + timedelta(days=ahead) for ahead in range(-1, _AHEAD_DAYS + 1)})

    async def drop_old(self) -> None:
        """Drop the days that are too old, as far as nothing in them is pending or in use.

        Raises:
            OSError, asyncpg.PostgresError: when the database is away.
        """
        async with self._database.connection() as conn:
            old = [day for day in await DAYS.days(conn) if day < self._oldest]
            await events.forget_gaps(conn, self._midnight)
        for day in old:
            try:
                dropped = await self._drop(day)
            except InUseError:
                _log.info("day_in_use", day=day.isoformat())
                continue
            if dropped:
                _log.info("day_dropped", day=day.isoformat())
            else:
                _log.warning("day_kept", day=day.isoformat(), reason="deliveries are pending")

    async def forget_deleted(self) -> None:
        """Remove what is left of subscriptions that were deleted before the days that are kept, a few at a time.

        Raises:
            OSError, asyncpg.PostgresError: when the database is away.
        """
        removed = _SUBSCRIPTIONS
        while removed == _SUBSCRIPTIONS:
            async with self._database.connection() as conn:
                removed = await subscriptions.forget(conn, self._midnight, _SUBSCRIPTIONS)
            if removed:
                _log.info("deleted_subscriptions_removed", subscriptions=removed)

    async def _drop(self, day: date) -> bool:
        async with self._database.transaction() as conn:
            if not await drop(conn, day):
                return False
            await events.forget_day(conn, day)
            return True

    @property
    def _today(self) -> date:
        return self._clock().astimezone(UTC).date()

    @property
    def _midnight(self) -> datetime:
        """When the oldest day began that is kept for its age."""
        return datetime.combine(self._oldest, time(), UTC)

    @property
    def _oldest(self) -> date:
        return self._today - self._kept
