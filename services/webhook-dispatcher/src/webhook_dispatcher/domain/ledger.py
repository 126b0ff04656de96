"""The ledger: what was accepted, and what became of it.

Invariant: what is accepted is delivered, exhausted, discarded, in flight or missing, and counted once; a lost event
counts once, however the loss shows.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from webhook_dispatcher.domain.delivery import DiscardReason
from webhook_dispatcher.domain.errors import Flaw, ValidationFailedError

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """A range of events' times, from `since` to before `until`; None is without a bound."""

    since: datetime | None
    until: datetime | None

    def check(self) -> None:
        """Go on when it holds any time.

        Raises:
            ValidationFailedError: it ends before it begins.
        """
        if self.since is not None and self.until is not None and self.until <= self.since:
            raise ValidationFailedError(Flaw("to", "must be later than `from`", "order"))


@dataclass(frozen=True, slots=True)
class Ledger:
    """An organization's ledger of a range of time.

    Attributes:
        accepted: deliveries that its events were matched for.
        discarded: by reason.
        missing: accepted deliveries that are not there.
        orphaned: events that are not there although deliveries of theirs are.
        skipped: numbers left out among the events of each resource, where no day between them was dropped.
    """

    accepted: int
    delivered: int
    exhausted: int
    discarded: Mapping[DiscardReason, int]
    in_flight: int
    missing: int
    orphaned: int
    skipped: int

    @property
    def unaccounted(self) -> int:
        """Deliveries and events that were lost. A lost event may leave orphans, a number, or both."""
        return self.missing + max(self.orphaned, self.skipped)


@dataclass(frozen=True, slots=True)
class DayAccount:
    """What is not accounted for of a day, over all organizations.

    Attributes:
        events: events that were counted when they came and are not there.
        deliveries: the same of deliveries.
        skipped: numbers left out among the day's events of each resource; none where the day was dropped before.
    """

    events: int
    deliveries: int
    skipped: int


def whole_runs(days: Collection[date], restored: Collection[date], dropped_until: date | None) -> list[list[date]]:
    """Tell which days follow each other with all of their events: none between them was ever dropped.

    A day on which nothing happened may be missing without having been dropped.

    Args:
        days: those that are here, in their order.
        restored: those of them that were dropped before, and hold some of their events again.
        dropped_until: the latest day that was ever dropped.
    """
    runs: list[list[date]] = []
    for day in days:
        if day in restored:
            continue
        before = runs[-1][-1] if runs else None
        if before is not None and (day - before == _DAY or dropped_until is None or dropped_until < before):
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs


def unaccounted(days: Collection[DayAccount], passed_over: int) -> int:
    """Tell how much is not accounted for over all organizations.

    An event that was deleted, and one whose record was passed over, leave out a number too, mostly: what the numbers
    show counts as far as it goes beyond what is known anyway.

    Args:
        days: the days that are kept.
        passed_over: records that left no trace.
    """
    lost = sum(one.events for one in days) + passed_over
    return sum(one.deliveries for one in days) + max(lost, sum(one.skipped for one in days))
