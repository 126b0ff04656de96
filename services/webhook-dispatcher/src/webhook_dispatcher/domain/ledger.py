"""The ledger: what was accepted, and what became of it.

Invariant: what is accepted is delivered, exhausted, discarded, in flight or missing, and counted once; a lost event
counts once, however the loss shows.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from webhook_dispatcher.domain.delivery import DiscardReason
from webhook_dispatcher.domain.errors import Flaw, ValidationFailedError


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
        skipped: numbers left out among the events of each resource.
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
        skipped: numbers left out among the day's events of each resource.
    """

    events: int
    deliveries: int
    skipped: int


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
