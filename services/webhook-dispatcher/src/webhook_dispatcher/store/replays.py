"""Recoveries and replays in PostgreSQL.

Invariants: a running job is one worker's until `due_at`, which each step puts off; a step begins with the job's row,
locked while it is still held, and its progress commits with its effect: so no step is done twice, whoever goes on. Of
a subscription's jobs that ended the latest are kept.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from chassis.kafka import Stretch
from chassis.postgres import Connection
from webhook_dispatcher.domain.reading import Cut, Page
from webhook_dispatcher.domain.replay import (
    SAMPLES,
    BoundedCount,
    Progress,
    Replay,
    ReplayKind,
    ReplayOrder,
    ReplayState,
    Sample,
)

COUNTED = 1_000_000
"""Up to how many deliveries are counted when a recovery is asked for."""

_KEPT = 100
_COLUMNS = (
    "id, org_id, subscription_id, kind, since, until, events, dry_run, state, error, expected, position, is_planned,"
    " earliest, records_read, matched, reopened, created, types, samples, created_at, updated_at, finished_at"
)
_NOW = "SELECT now()"
_INSERT = f"""
INSERT INTO replays (id, org_id, subscription_id, kind, since, until, events, dry_run, expected)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (subscription_id, kind, dry_run) WHERE state = 'running' DO NOTHING
RETURNING {_COLUMNS}
"""
_TRIM = """
DELETE FROM replays
WHERE subscription_id = $1 AND state <> 'running' AND id < (
    SELECT id FROM replays WHERE subscription_id = $1 ORDER BY id DESC OFFSET $2 LIMIT 1
)
"""
_FETCH = f"SELECT {_COLUMNS} FROM replays WHERE org_id = $1 AND id = $2"
_PAGE = f"""
SELECT {_COLUMNS} FROM replays WHERE subscription_id = $1 AND id < coalesce($2, '~') ORDER BY id DESC LIMIT $3
"""
_CLAIM = f"""
UPDATE replays SET leased_by = $1, due_at = now() + $2::interval
WHERE id = (
    SELECT id FROM replays WHERE state = 'running' AND due_at <= now() ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING {_COLUMNS}
"""
_HOLD = f"SELECT {_COLUMNS} FROM replays WHERE id = $1 AND leased_by = $2 AND state = 'running' FOR UPDATE"
_PLAN = """
INSERT INTO replay_stretches (replay_id, topic, partition, next_position, end_position)
SELECT $1, topic, partition, start, stop
FROM unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[]) AS given (topic, partition, start, stop)
"""
_PLANNED = "UPDATE replays SET is_planned = true, earliest = $2, failures = 0 WHERE id = $1"
_STRETCHES = """
SELECT topic, partition, next_position AS start, end_position AS end FROM replay_stretches
WHERE replay_id = $1 AND next_position < end_position ORDER BY topic, partition
"""
_ADVANCE = """
UPDATE replay_stretches SET next_position = $4 WHERE replay_id = $1 AND topic = $2 AND partition = $3
"""
_PROGRESS = """
UPDATE replays SET
    position = coalesce($2, position), records_read = records_read + $3, matched = matched + $4,
    reopened = reopened + $5, created = created + $6, types = $7, samples = $8, due_at = now() + $9::interval,
    failures = 0, updated_at = now()
WHERE id = $1
"""
_FAIL = "UPDATE replays SET failures = failures + 1 WHERE id = $1 RETURNING failures"
_RELEASE = "UPDATE replays SET leased_by = NULL, due_at = now() + $3::interval WHERE id = $1 AND leased_by = $2"
_FINISH = """
UPDATE replays SET state = $2, error = $3, leased_by = NULL, updated_at = now(), finished_at = now() WHERE id = $1
"""
_CANCEL = """
UPDATE replays SET state = 'cancelled', leased_by = NULL, updated_at = now(), finished_at = now()
WHERE org_id = $1 AND id = $2 AND state = 'running'
"""


async def now(conn: Connection) -> datetime:
    """Tell the present by the clock that stamps deliveries when they end."""
    found: datetime = await conn.fetchval(_NOW)
    return found


async def insert(
    conn: Connection, replay_id: str, order: ReplayOrder, expected: int | None, *, org_id: str, subscription_id: str
) -> Replay | None:
    """Write a new job, to be begun now; None if one of its kind runs already for the subscription."""
    row = await conn.fetchrow(
        _INSERT,
        replay_id,
        org_id,
        subscription_id,
        order.kind,
        order.since,
        order.until,
        None if order.events is None else list(order.events),
        order.dry_run,
        expected,
    )
    await conn.execute(_TRIM, subscription_id, _KEPT)
    return None if row is None else _read(row)


async def fetch(conn: Connection, org_id: str, replay_id: str) -> Replay | None:
    """Read a job."""
    row = await conn.fetchrow(_FETCH, org_id, replay_id)
    return None if row is None else _read(row)


async def page(conn: Connection, subscription_id: str, cut: Cut) -> Page[Replay]:
    """Read a page of a subscription's jobs, the newest first."""
    rows = await conn.fetch(_PAGE, subscription_id, cut.starting_after, cut.limit + 1)
    return Page([_read(row) for row in rows[: cut.limit]], len(rows) > cut.limit)


async def claim(conn: Connection, worker: str, lease: timedelta) -> Replay | None:
    """Take a running job that no worker holds, the one that has waited longest."""
    row = await conn.fetchrow(_CLAIM, worker, lease)
    return None if row is None else _read(row)


async def hold(conn: Connection, replay_id: str, worker: str) -> Replay | None:
    """Lock a job for a step, as it is now; None if the worker holds it no longer."""
    row = await conn.fetchrow(_HOLD, replay_id, worker)
    return None if row is None else _read(row)


async def plan(conn: Connection, replay_id: str, stretches: Sequence[Stretch], earliest: datetime | None) -> None:
    """Write what a replay is to read."""
    await conn.execute(
        _PLAN,
        replay_id,
        [one.topic for one in stretches],
        [one.partition for one in stretches],
        [one.start for one in stretches],
        [one.end for one in stretches],
    )
    await conn.execute(_PLANNED, replay_id, earliest)


async def stretches(conn: Connection, replay_id: str) -> list[Stretch]:
    """Tell what is left to read."""
    return [Stretch(**row) for row in await conn.fetch(_STRETCHES, replay_id)]


async def advance(conn: Connection, replay_id: str, stretch: Stretch, position: int) -> None:
    """Note where to read on in a stretch."""
    await conn.execute(_ADVANCE, replay_id, stretch.topic, stretch.partition, position)


async def progress(
    conn: Connection, replay: Replay, step: Progress, lease: timedelta, *, position: str | None = None
) -> None:
    """Add up what a step did, and hold the job on."""
    types = dict(replay.types)
    for name, count in (step.types or {}).items():
        types[name] = types.get(name, 0) + count
    samples = [asdict(one) for one in (*replay.samples, *step.samples)][:SAMPLES]
    counts = (step.read, step.matched, step.reopened, step.created)
    await conn.execute(_PROGRESS, replay.id, position, *counts, types, samples, lease)


async def fail(conn: Connection, replay_id: str) -> int:
    """Count a step of a job that failed, and answer how many did so in a row; the job is locked."""
    failures: int = await conn.fetchval(_FAIL, replay_id)
    return failures


async def release(conn: Connection, replay_id: str, worker: str, pause: timedelta) -> None:
    """Let a job go, to be claimed again after a pause."""
    await conn.execute(_RELEASE, replay_id, worker, pause)


async def finish(conn: Connection, replay_id: str, error: str | None = None) -> None:
    """End a job, as failed if an error tells why."""
    await conn.execute(_FINISH, replay_id, ReplayState.DONE if error is None else ReplayState.FAILED, error)


async def cancel(conn: Connection, org_id: str, replay_id: str) -> None:
    """End a job that runs, whoever holds it; a step of it that is under way is waited for, and is its last."""
    await conn.execute(_CANCEL, org_id, replay_id)


def _read(row: Any) -> Replay:
    events = None if row["events"] is None else tuple(row["events"])
    return Replay(
        id=row["id"],
        org_id=row["org_id"],
        subscription_id=row["subscription_id"],
        order=ReplayOrder(ReplayKind(row["kind"]), row["since"], row["until"], events, row["dry_run"]),
        state=ReplayState(row["state"]),
        error=row["error"],
        expected=None if row["expected"] is None else BoundedCount.bounded(row["expected"], COUNTED),
        position=row["position"],
        is_planned=row["is_planned"],
        earliest=row["earliest"],
        read=row["records_read"],
        matched=row["matched"],
        reopened=row["reopened"],
        created=row["created"],
        types=row["types"],
        samples=[Sample(**one) for one in row["samples"]],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        finished_at=row["finished_at"],
    )
