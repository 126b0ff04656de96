"""How a place offers what falls free: to whom, for how long, and until when (architecture.md section 6).

Invariant: a deadline is never past the cut-off, and what passes of an offer's time in quiet hours does not count.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from waitlist.domain.errors import Flaw, ValidationFailedError
from waitlist.domain.times import daily_spans

MAX_OFFER_MINUTES = 48 * 60  # the longest that booking holds anything
MAX_CUTOFF_MINUTES = 31 * 24 * 60


class Way(StrEnum):
    """To whom a free place goes: to one after the other, to whoever is first of all, or to the next at once."""

    OFFER_ONE = "offer_one"
    NOTIFY_ALL = "notify_all"
    AUTO_CONVERT = "auto_convert"


class AfterExpiry(StrEnum):
    """What becomes of an entry that let an offer pass or declined it."""

    STAY = "stay"
    LEAVE = "leave"


class PlaceKind(StrEnum):
    """What has a policy: a location, for its tables, or a service, for the spots of its event instances."""

    LOCATION = "location"
    SERVICE = "service"


@dataclass(frozen=True)
class QuietHours:
    """A stretch of every day in local time; an end that is not after the start lies on the next day."""

    start: time
    end: time

    def __post_init__(self) -> None:
        if self.start == self.end:
            raise ValidationFailedError(Flaw("quietHours.to", "must not be the same as from", "distinct"))


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The policy of a place.

    Attributes:
        way: to whom a free place goes.
        strict_order: whether nobody is asked before the first in the queue, even if that one does not fit.
        offer_minutes: for how long an offer stands.
        cutoff_minutes: how long before the start offers end.
        quiet_hours: in which an offer's time stands still.
        after_expiry: what becomes of who let an offer pass.
        max_entries: how many may wait in one queue; None for any number.
    """

    way: Way = Way.OFFER_ONE
    strict_order: bool = False
    offer_minutes: int
    cutoff_minutes: int = 0
    quiet_hours: QuietHours | None = None
    after_expiry: AfterExpiry = AfterExpiry.STAY
    max_entries: int | None = None

    def cut_off(self, start: datetime) -> datetime:
        """Tell until when a place that starts then is offered."""
        return start - timedelta(minutes=self.cutoff_minutes)

    def deadline(self, now: datetime, start: datetime, zone: str) -> datetime:
        """Tell until when an offer stands that is made now.

        Args:
            now: the current instant.
            start: when what is offered starts.
            zone: whose clocks tell the quiet hours.

        Returns:
            Now, or a time that has passed, if the cut-off has.
        """
        cut_off = self.cut_off(start)
        left, reached = timedelta(minutes=self.offer_minutes), now
        if self.quiet_hours is not None:
            for quiet in daily_spans(now, self.quiet_hours.start, self.quiet_hours.end, zone):
                if quiet.start >= min(reached + left, cut_off):
                    break
                left -= max(quiet.start - reached, timedelta())
                reached = max(reached, quiet.end)
        return min(reached + left, cut_off)


DEFAULTS = {PlaceKind.LOCATION: Policy(offer_minutes=15), PlaceKind.SERVICE: Policy(offer_minutes=240)}
"""What holds where nobody set a policy (architecture.md section 6)."""
