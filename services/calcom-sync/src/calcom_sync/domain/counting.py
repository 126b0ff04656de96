"""What became of every booking that a run read, and the sums of it (scheduling.md section 2, "Counts").

Invariant: every uid that was read has exactly one outcome, the one that it had last, so synced + skipped + failed =
fetched. A uid that Cal.com turned out not to have any more counts as read where that ended its chain.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Self

from calcom_sync.domain.chains import Chain


class Outcome(StrEnum):
    """What became of a uid; the first six are booking's answers (`CalcomOutcome`)."""

    CREATED = "created"
    UPDATED = "updated"
    CONFLICT = "conflict"
    UNCHANGED = "unchanged"
    STALE = "stale"
    INVALID = "invalid"
    SUPERSEDED = "superseded"
    """It was rescheduled: the chain's current uid stands for it."""
    OUT_OF_RANGE = "out_of_range"
    ATTENDEE_ONLY = "attendee_only"
    UNMAPPED_EVENT_TYPE = "unmapped_event_type"
    OTHER_ACCOUNT = "other_account"
    """It is not found, and was read of another account of Cal.com's: whether it is gone is not known."""
    NO_ANSWER = "no_answer"
    """Booking was told and has not answered in time: nobody knows whether it was taken over."""
    UNREADABLE = "unreadable"
    """Cal.com does not give it out by itself, or not as a booking."""


SYNCED = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.CONFLICT})
FAILED = frozenset({Outcome.NO_ANSWER, Outcome.UNREADABLE})
SKIPPED = frozenset(Outcome) - SYNCED - FAILED

UNTAKEN = frozenset({Outcome.STALE, Outcome.INVALID, Outcome.UNREADABLE})
"""With these a chain stays here as it was, whatever it is at Cal.com."""

PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480, 1440))
"""How long one is left alone that stays as it was after so many readings in a row; the last again and again."""

Fate = Outcome | None
"""What became of a uid; None where booking was told, and its answer is what became of it."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many uids had which outcome."""

    counts: Mapping[Outcome, int] = field(default_factory=dict)

    @property
    def fetched(self) -> int:
        """How many uids were read."""
        return sum(self.counts.values())

    @property
    def synced(self) -> int:
        """How many were written here, as new or as changed."""
        return self._sum(SYNCED)

    @property
    def skipped(self) -> int:
        """How many there was nothing to do for."""
        return self._sum(SKIPPED)

    @property
    def failed(self) -> int:
        """How many could not be dealt with."""
        return self._sum(FAILED)

    @property
    def details(self) -> dict[str, int]:
        """The counts by outcome, without those that nothing had."""
        return {outcome.value: self.counts[outcome] for outcome in Outcome if self.counts.get(outcome)}

    def adding(self, outcomes: Iterable[Outcome]) -> Self:
        """Count the outcomes of more uids."""
        return type(self)(Counter(self.counts) + Counter(outcomes))

    def without(self, outcomes: Iterable[Outcome]) -> Self:
        """Count outcomes no more that uids had before they had others."""
        return type(self)(Counter(self.counts) - Counter(outcomes))

    def _sum(self, outcomes: frozenset[Outcome]) -> int:
        return sum(self.counts.get(outcome, 0) for outcome in outcomes)


def outcomes(chain: Chain, outcome: Outcome) -> dict[str, Outcome]:
    """Tell what became of each uid of a chain that was read, by what became of the chain."""
    told = {row.uid: Outcome.SUPERSEDED for row in chain.rows}
    if chain.is_gone or chain.row is not None:
        told[chain.uid] = outcome
    return told


def news(before: Mapping[str, Fate], found: Mapping[str, Fate], told: Collection[str]) -> dict[str, Fate]:
    """Tell which fates of a run's uids are not yet counted as they are: what was found last stands.

    Of a uid that booking was told of its answer stands, until booking is told of the chain once more: that answer is
    about another uid then.

    Args:
        before: the fates of those that were counted.
        found: what became of uids that were read now, perhaps once more.
        told: all uids of the chains that booking is told of now.
    """
    left = {uid: Outcome.SUPERSEDED for uid in told if uid in before and before[uid] is None}
    now: dict[str, Fate] = {**left, **found}
    return {uid: fate for uid, fate in now.items() if uid not in before or _is_other(before[uid], fate, uid in left)}


def _is_other(before: Fate, after: Fate, is_told: bool) -> bool:
    return after is not before and (before is not None or is_told)
