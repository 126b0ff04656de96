"""The course of a run: what it reads, one stage after another, and where it stands.

What changed is read before what is near, and what no list shows is asked for last: a row that was moved does not always
say whither, and until all lists are read it is not known that it leads nowhere (scheduling.md section 2).

Invariant: a course that is read back from what was stored is the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from calcom_sync.domain.run import RunKind


class Stage(StrEnum):
    """What is read."""

    CHANGES = "changes"
    """The list of what has changed since the watermark."""
    RANGE = "range"
    """The list of what lies in the run's time."""
    MISSING = "missing"
    """What lies in that time by what is known, and was in no list: each by itself."""
    REFUSED = "refused"
    """What booking had no use for under other settings, or did not answer: each by itself."""
    ENDED = "ended"
    """What is over by now and is still told to be on: each by itself, as who came is marked late."""

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return self in {Stage.CHANGES, Stage.RANGE}


STAGES: Mapping[RunKind, tuple[Stage, ...]] = {
    RunKind.MANUAL: (Stage.RANGE, Stage.MISSING),
    RunKind.INCREMENTAL: (Stage.CHANGES, Stage.ENDED),
    RunKind.RECONCILE: (Stage.CHANGES, Stage.RANGE, Stage.MISSING, Stage.REFUSED, Stage.ENDED),
}


def stages_from(kind: RunKind, stage: Stage) -> tuple[Stage, ...]:
    """Tell what a run reads from where it stands; one that was asked for may have begun as an incremental one does."""
    stages = STAGES[kind] if stage in STAGES[kind] else STAGES[RunKind.INCREMENTAL]
    return stages[stages.index(stage) :]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Where a run stands.

    Attributes:
        stage: what is being read.
        after: the instant at which the list goes on; None: at its beginning.
        cursor: where it goes on if it has cursors.
        open: the uids of rows that wait until all lists are read.
        highest: the latest update among what was read, where that tells up to when all is known.
    """

    stage: Stage
    after: datetime | None = None
    cursor: str | None = None
    open: tuple[str, ...] = ()
    highest: datetime | None = None

    @classmethod
    def of(cls, kind: RunKind, stored: Any) -> Self:
        """Read what was stored; None is the beginning."""
        if stored is None:
            return cls(stage=STAGES[kind][0])
        after, highest = (stored[name] and datetime.fromisoformat(stored[name]) for name in ("after", "highest"))
        stage, uids = Stage(stored["stage"]), tuple(stored["open"])
        return cls(stage=stage, after=after, cursor=stored["cursor"], open=uids, highest=highest)

    @property
    def stored(self) -> dict[str, Any]:
        """What is stored of it."""
        return {
            "stage": self.stage.value,
            "after": self.after and self.after.isoformat(),
            "cursor": self.cursor,
            "open": list(self.open),
            "highest": self.highest and self.highest.isoformat(),
        }
