"""What became of every booking that a run read, and the sums of it (scheduling.md section 2, "Counts").

Invariant: every uid that was read has exactly one outcome, so synced + skipped + failed = fetched. A uid that Cal.com
turned out not to have any more counts as read where that ended its chain.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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
    FAILED = "failed"


SYNCED = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.CONFLICT})
SKIPPED = frozenset(Outcome) - SYNCED - {Outcome.FAILED}


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
        return self._sum(frozenset({Outcome.FAILED}))

    @property
    def details(self) -> dict[str, int]:
        """The counts by outcome, without those that nothing had."""
        return {outcome.value: self.counts[outcome] for outcome in Outcome if self.counts.get(outcome)}

    def adding(self, outcomes: Iterable[Outcome]) -> Self:
        """Count the outcomes of more uids."""
        return type(self)(Counter(self.counts) + Counter(outcomes))

    def _sum(self, outcomes: frozenset[Outcome]) -> int:
        return sum(self.counts.get(outcome, 0) for outcome in outcomes)


def outcomes(chain: Chain, outcome: Outcome) -> dict[str, Outcome]:
    """Tell what became of each uid of a chain that was read, by what became of the chain."""
    told = {row.uid: Outcome.SUPERSEDED for row in chain.rows}
    if chain.is_gone or chain.row is not None:
        told[chain.uid] = outcome
    return told
