"""The ledger as callers ask for it, and what operators watch of it.

Invariant: one look is at one day, today every other time and the others in turn, so it costs the same however much is
kept.
"""

from dataclasses import dataclass
from datetime import UTC, date

from chassis.clock import Clock
from chassis.postgres import Database
from webhook_dispatcher.domain.ledger import DayAccount, Ledger, Span, unaccounted
from webhook_dispatcher.store import ledger
from webhook_dispatcher.store.days import DAYS


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


@dataclass(frozen=True, slots=True)
class Seen:
    """What is not accounted for, as far as days were looked at, and whether all of them were."""

    unaccounted: int
    is_whole: bool


class Accounting:
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

    async def look(self) -> Seen:
        """Look at the next day."""
        async with self._database.connection() as conn:
            days = await DAYS.days(conn)
            self._days = {day: account for day, account in self._days.items() if day in days}
            if days:
                day = self._next(days)
                account = await ledger.of_day(conn, day)
                self._days.pop(day, None)
                self._days[day] = account
            lost = unaccounted(self._days.values(), await ledger.passed_over(conn))
        return Seen(lost, len(self._days) == len(days))

    def _next(self, days: list[date]) -> date:
        unseen = [day for day in days if day not in self._days]
        if unseen:
            return unseen[-1]
        today = self._clock().astimezone(UTC).date()
        self._today_next = not self._today_next
        return today if self._today_next and today in self._days else next(iter(self._days))
