"""When an organization's bookings are looked at without being asked, and how.

What changed is read in the organization's own interval; once a day, and after every change of the settings, all that is
near is compared (scheduling.md section 2).

Invariant: nothing is due while the last one waits or is under way; who refuses us or does not answer is asked ever more
seldom, until the settings change.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from calcom_sync.domain.run import RunKind, RunState
from calcom_sync.domain.window import Window

DAY = timedelta(days=1)
_BACK, _AHEAD = timedelta(days=30), timedelta(days=90)

Pause = Callable[[int, float], float]
"""Tells how many seconds to wait after so many failures in a row, with a number in [0, 1) that moves it a little."""


@dataclass(frozen=True, slots=True)
class Last:
    """The periodic run that was asked for last."""

    id: str
    kind: RunKind
    state: RunState
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Whole:
    """The last time that all of an organization's bookings were read.

    Attributes:
        begun_at: when that was begun.
        settings_at: of when the settings were under which it was.
    """

    begun_at: datetime
    settings_at: datetime


def is_known(whole: Whole | None, settings_at: datetime, now: datetime) -> bool:
    """Tell whether all is known but for what has changed since: what no list of changes tells was looked for lately.

    Args:
        whole: when all was read last; None: it never was.
        settings_at: of when the settings are.
        now: the current instant.
    """
    return whole is not None and whole.settings_at == settings_at and now < whole.begun_at + DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """Where an organization's periodic runs stand.

    Attributes:
        interval: the time from the begin of one to the next.
        settings_at: of when the settings are.
        last: the last one; None before the first.
        last_settings_at: of when the settings were under which it was asked for.
        failures: how many in a row failed before it.
        reconciled_at: when the last comparison before it was begun that came to a good end.
    """

    interval: timedelta
    settings_at: datetime
    last: Last | None = None
    last_settings_at: datetime | None = None
    failures: int = 0
    reconciled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be asked for now, and what stands before it."""

    kind: RunKind
    failures: int
    reconciled_at: datetime | None

    def window(self, now: datetime) -> Window:
        """Tell what is near, if all of that is compared."""
        return Window(now - _BACK, now + _AHEAD) if self.kind is RunKind.RECONCILE else Window()


def due(rounds: Rounds, now: datetime, pause: Pause) -> Due | None:
    """Tell what is to be asked for now, if anything.

    Args:
        rounds: how things stand.
        now: the current instant.
        pause: how long those rest whose last runs failed.
    """
    last = rounds.last
    if last is None:
        return Due(RunKind.RECONCILE, 0, rounds.reconciled_at)
    if last.ended_at is None:
        return None
    is_changed = rounds.last_settings_at != rounds.settings_at
    failures = rounds.failures + 1 if last.state is RunState.FAILED else 0
    rest = pause(failures, _noise(last)) if failures else 0.0
    earliest = max((last.started_at or last.ended_at) + rounds.interval, last.ended_at + timedelta(seconds=rest))
    if now < earliest and not is_changed:
        return None
    went_well = last.kind is RunKind.RECONCILE and last.state is RunState.COMPLETED
    reconciled_at = last.started_at if went_well else rounds.reconciled_at
    is_daily = reconciled_at is None or now >= reconciled_at + DAY
    kind = RunKind.RECONCILE if is_changed or is_daily else RunKind.INCREMENTAL
    # What was compared under other settings counts for nothing, whatever becomes of this run.
    return Due(kind, 0 if is_changed else failures, None if is_changed else reconciled_at)


def _noise(last: Last) -> float:
    return Random(last.id).random()  # noqa: S311 - jitter, not a secret; the same whenever it is looked at
