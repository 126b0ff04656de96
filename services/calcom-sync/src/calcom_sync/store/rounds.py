"""Where periodic runs stand, in their table.

Invariant: whoever asks for the next run does so once, however many look at the same time; a watermark never goes back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from calcom_sync.domain.rounds import Due, Last, Rounds, Whole
from calcom_sync.domain.run import RunKind, RunState
from chassis.postgres import Connection

_LOOK = """
SELECT
    i.org_id, i.sync_interval_seconds, i.updated_at AS settings_at,
    r.settings_at AS last_settings_at, coalesce(r.failures, 0) AS failures, r.reconciled_at,
    l.id, l.kind, l.state, l.started_at, l.ended_at
FROM integrations AS i
LEFT JOIN rounds AS r ON r.org_id = i.org_id
LEFT JOIN runs AS l ON l.id = r.run_id
WHERE i.enabled AND (l.id IS NULL OR (l.ended_at IS NOT NULL AND (
    r.settings_at <> i.updated_at
    OR coalesce(l.started_at, l.ended_at) + make_interval(secs => i.sync_interval_seconds) <= $1
)))
ORDER BY l.ended_at NULLS FIRST, i.org_id
"""
_CLAIM = """
INSERT INTO rounds AS r (org_id, run_id, settings_at, failures, reconciled_at)
SELECT org_id, $2, $3, $4, $5 FROM integrations WHERE org_id = $1 AND enabled FOR KEY SHARE
ON CONFLICT (org_id) DO UPDATE SET
    run_id = excluded.run_id,
    settings_at = excluded.settings_at,
    failures = excluded.failures,
    reconciled_at = excluded.reconciled_at
WHERE r.run_id IS NOT DISTINCT FROM $6
RETURNING true
"""
_WATERMARK = "SELECT watermark FROM rounds WHERE org_id = $1"
_ADVANCE = """
INSERT INTO rounds AS r (org_id, watermark)
SELECT org_id, $2 FROM integrations WHERE org_id = $1 FOR KEY SHARE
ON CONFLICT (org_id) DO UPDATE SET watermark = greatest(r.watermark, excluded.watermark)
"""
_WHOLE = "SELECT whole_at, whole_settings_at FROM rounds WHERE org_id = $1 AND whole_at IS NOT NULL"
_NOTE_WHOLE = """
UPDATE rounds SET whole_at = $2, whole_settings_at = $3
WHERE org_id = $1 AND (whole_at IS NULL OR whole_at < $2)
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An organization of which something may be due."""

    org_id: str
    rounds: Rounds


async def candidates(conn: Connection, now: datetime) -> Sequence[Candidate]:
    """Read the organizations whose last periodic run is over and lies back; who waits longest comes first."""
    return [Candidate(row["org_id"], _rounds(row)) for row in await conn.fetch(_LOOK, now)]


async def claim(conn: Connection, one: Candidate, due: Due, run_id: str) -> bool:
    """Note which run is asked for now; tells whether nobody else has done so since."""
    before = None if one.rounds.last is None else one.rounds.last.id
    settings_at = one.rounds.settings_at
    return bool(await conn.fetchval(_CLAIM, one.org_id, run_id, settings_at, due.failures, due.reconciled_at, before))


async def watermark(conn: Connection, org_id: str) -> datetime | None:
    """Read up to which update an organization's bookings are known; None if that was never found out."""
    found: datetime | None = await conn.fetchval(_WATERMARK, org_id)
    return found


async def advance(conn: Connection, org_id: str, watermark: datetime) -> None:
    """Write up to which update they are known."""
    await conn.execute(_ADVANCE, org_id, watermark)


async def whole(conn: Connection, org_id: str) -> Whole | None:
    """Read when all of an organization's bookings were read last; None if they never were."""
    row = await conn.fetchrow(_WHOLE, org_id)
    return None if row is None else Whole(row["whole_at"], row["whole_settings_at"])


async def note_whole(conn: Connection, org_id: str, read: Whole) -> None:
    """Write that all were read, once it is known up to which update that is."""
    await conn.execute(_NOTE_WHOLE, org_id, read.begun_at, read.settings_at)


def _rounds(row: Any) -> Rounds:
    last = None
    if row["id"] is not None:
        kind, state = RunKind(row["kind"]), RunState(row["state"])
        last = Last(row["id"], kind, state, row["started_at"], row["ended_at"])
    return Rounds(
        interval=timedelta(seconds=row["sync_interval_seconds"]),
        settings_at=row["settings_at"],
        last=last,
        last_settings_at=row["last_settings_at"],
        failures=row["failures"],
        reconciled_at=row["reconciled_at"],
    )
