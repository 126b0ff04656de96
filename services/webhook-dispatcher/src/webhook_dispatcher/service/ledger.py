"""The ledger as callers ask for it, and the number that operators watch.

Invariant: watching takes a small part of the database's time, however much is kept: one day is looked at at a time,
today every other time and the others in turn, and the pause after it is many times as long as the look.
"""

import asyncio
from datetime import UTC, date

from prometheus_client import Gauge

from chassis.clock import Clock
from chassis.lifecycle import Stop
from chassis.postgres import Database
from webhook_dispatcher.domain.ledger import DayAccount, Ledger, Span, unaccounted
from webhook_dispatcher.store import ledger
from webhook_dispatcher.store.days import DAYS

UNACCOUNTED = Gauge(
    "slotwire_deliveries_unaccounted",
    "Deliveries, events and records that were taken in and are nowhere, as far as days were looked at.",
)
_PAUSES = 20  # as long as a look, at least
_PAUSE_SECONDS = 10.0


class Ledgers:
    """Answers an organization's ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, org_id: str, span: Span) -> Ledger:
        """Count an organization's events of a range of time, and what became of them.

        Raises:
            ValidationFailedError: the range ends before it begins.
        """
        span.check()
        async with self._database.snapshot() as conn:
            return await ledger.of_organization(conn, org_id, span)


class Watch:
    """Looks at one day after the other.

    Args:
        database: where they are.
        clock: tells today.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._days: dict[date, DayAccount] = {}  # the one that was looked at longest ago first
        self._today_next = True

    async def run(self, stop: Stop) -> None:
        """Look until asked to stop.

        Raises:
            OSError, asyncpg.PostgresError: when the database is away; run it again.
        """
        now = asyncio.get_running_loop().time
        while not stop.is_set():
            began = now()
            all_seen = await self.look()
            pause = (now() - began) * _PAUSES
            await stop.wait(max(pause, _PAUSE_SECONDS) if all_seen else pause)

    async def look(self) -> bool:
        """Look at the next day, tell the number, and answer whether every day was looked at."""
        async with self._database.connection() as conn:
            days = await DAYS.days(conn)
            self._days = {day: account for day, account in self._days.items() if day in days}
            if days:
                day = self._next(days)
                account = await ledger.of_day(conn, day)
                self._days.pop(day, None)
                self._days[day] = account
            UNACCOUNTED.set(unaccounted(self._days.values(), await ledger.passed_over(conn)))
        return len(self._days) == len(days)

    def _next(self, days: list[date]) -> date:
        unseen = [day for day in days if day not in self._days]
        if unseen:
            return unseen[-1]
        today = self._clock().astimezone(UTC).date()
        self._today_next = not self._today_next
        return today if self._today_next and today in self._days else next(iter(self._days))
