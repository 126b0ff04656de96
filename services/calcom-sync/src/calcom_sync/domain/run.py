"""A run: one sync of an organization's bookings, from when it is asked for to its end.

Invariant: a run that is over stays as it is; what it read is counted whole, whether booking has answered yet or not.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from calcom_sync.domain.counting import Tally
from calcom_sync.domain.window import Window


class RunKind(StrEnum):
    """What asked for it."""

    MANUAL = "manual"
    INCREMENTAL = "incremental"
    RECONCILE = "reconcile"
    WEBHOOK = "webhook"


LISTED = frozenset(RunKind) - {RunKind.WEBHOOK}
"""The kinds that are listed unless one is named: each webhook may make several runs, and would hide the others."""


PERIODIC = frozenset({RunKind.INCREMENTAL, RunKind.RECONCILE})
"""The kinds that nobody waits for."""


class RunState(StrEnum):
    """Where it stands."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens to it."""
        return self in {RunState.COMPLETED, RunState.FAILED}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        position: where it goes on if it is taken again, in the words of whoever carries it out; None: at the beginning.
        tally: what became of the uids that it read, but for those of which booking was told.
        requests: how many requests were made to Cal.com.
    """

    position: Any = None
    tally: Tally = field(default_factory=Tally)
    requests: int = 0


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one run may ask of Cal.com; whose answers go further has no end.

    Attributes:
        requests: how many requests, those that failed included.
        time: how long after it was begun.
        links: how many reschedules of a booking it follows that no list shows.
    """

    requests: int = 20_000
    time: timedelta = timedelta(hours=6)
    links: int = 200


@dataclass(frozen=True, slots=True)
class RunError:
    """Why a run failed: a code that the API knows, and words."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run.

    Attributes:
        window: which time was asked for.
        answered: what became of the chains of which booking was told, as far as it has answered.
        unanswered: of how many it has not.
        error: why it failed, if it did.
    """

    id: str
    org_id: str
    kind: RunKind
    state: RunState
    window: Window
    progress: Progress
    answered: Tally
    unanswered: int
    error: RunError | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def tally(self) -> Tally:
        """What became of the uids that it read, as far as is known."""
        return Tally(Counter(self.progress.tally.counts) + Counter(self.answered.counts))

    @property
    def told(self) -> int:
        """Of how many chains it told booking."""
        return self.answered.fetched + self.unanswered

    @property
    def fetched(self) -> int:
        """How many uids it read."""
        return self.tally.fetched + self.unanswered

    @property
    def is_settled(self) -> bool:
        """Whether it is over, and booking has answered all that it was told."""
        return self.state.is_over and not self.unanswered
