"""Runs in their tables: those that wait, those under way, and what they told booking.

Invariants: an organization has one run under way at most, whoever takes them; what is written of a run that is under
way is written by the one who holds it, or not at all. Times of holding are the database's, whoever asks.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from calcom_sync.domain.counting import Fate, Outcome, Tally
from calcom_sync.domain.marks import RESTS
from calcom_sync.domain.run import PERIODIC, Progress, Run, RunError, RunKind, RunState
from calcom_sync.domain.window import Window
from chassis import tracing
from chassis.postgres import Connection

_COLUMNS = "id, org_id, kind, state, range_start, range_end, counts, requests, takes, created_at, traceparent"
_INSERT = f"INSERT INTO runs ({_COLUMNS}) VALUES ($1, $2, $3, 'queued', $4, $5, '{{}}', 0, 0, $6, $7)"
_INSERT_ONCE = f"""
INSERT INTO runs ({_COLUMNS}, key_scope, key_fingerprint)
VALUES ($1, $2, $3, 'queued', $4, $5, '{{}}', 0, 0, $6, $7, $8, $9)
ON CONFLICT (key_scope) WHERE state <> 'failed' DO NOTHING
RETURNING true
"""
_OF_KEY = "SELECT id, key_fingerprint FROM runs WHERE key_scope = $1 AND state <> 'failed'"
_END_KEY = "UPDATE runs SET key_scope = NULL, key_fingerprint = NULL WHERE key_scope = $1 AND created_at <= $2"
_INSERT_UNLESS_WAITING = f"""
INSERT INTO runs ({_COLUMNS})
SELECT $1, $2, $3::text, 'queued', $4, $5, '{{}}', 0, 0, $6, $7
WHERE NOT EXISTS (SELECT FROM runs WHERE org_id = $2 AND kind = $3 AND state = 'queued')
ON CONFLICT DO NOTHING
"""
_READ = """
SELECT r.*, items.answered, coalesce(items.unanswered, 0) AS unanswered
FROM runs AS r LEFT JOIN LATERAL (
    SELECT
        json_object_agg(outcome, number) FILTER (WHERE outcome IS NOT NULL) AS answered,
        max(number) FILTER (WHERE outcome IS NULL) AS unanswered
    FROM (SELECT outcome, count(*) AS number FROM run_items WHERE run_id = r.id GROUP BY outcome) AS counted
) AS items ON true
"""
_FETCH = f"{_READ} WHERE r.is_kept AND r.org_id = $1 AND r.id = $2"
_PAGE = f"""
{_READ}
WHERE r.is_kept AND r.org_id = $1 AND ($2::text IS NULL OR r.id < $2) AND r.kind = ANY ($4::text[])
ORDER BY r.id DESC LIMIT $3
"""
_TAKE = """
WITH due AS (
    SELECT id FROM runs AS r
    WHERE (state = 'running' AND held_until <= now()) OR (
        state = 'queued' AND kind = ANY ($4::text[])
        AND NOT EXISTS (SELECT FROM runs AS other WHERE other.org_id = r.org_id AND other.state = 'running')
    )
    ORDER BY
        state = 'running' DESC, -- until it is over its organization has no other
        created_at + CASE WHEN kind = ANY ($5::text[]) THEN $6::interval ELSE interval '0' END,
        id
    LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE runs SET
    state = 'running',
    held_by = $1,
    held_until = now() + $2::interval,
    started_at = coalesce(started_at, $3),
    takes = takes + 1
FROM due WHERE runs.id = due.id
RETURNING runs.id, runs.org_id, runs.kind, runs.takes, runs.traceparent
"""
_KEEP = "UPDATE runs SET held_until = now() + $2::interval WHERE held_by = ANY ($1::text[])"
_HELD = "id = $1 AND held_by = $2"
_SAVE = f"UPDATE runs SET position = $3, counts = $4, requests = $5 WHERE {_HELD} RETURNING true"
_END = f"""
WITH ended AS (
    UPDATE runs SET
        state = $3, error_code = $4, error_message = $5, ended_at = $6, held_by = NULL, held_until = NULL
    WHERE {_HELD} RETURNING id, org_id, kind, state
), forgotten AS (
    DELETE FROM run_uids WHERE run_id IN (SELECT id FROM ended)
), awake AS (
    DELETE FROM rests USING ended WHERE rests.org_id = ended.org_id AND ended.state = 'completed'
), tired AS (
    INSERT INTO rests AS r (org_id, failures, ends_at, settings_at)
    SELECT i.org_id, 1, now() + ($7::interval[])[1], i.updated_at
    FROM integrations AS i JOIN ended ON ended.org_id = i.org_id AND ended.kind = 'webhook' AND ended.state = 'failed'
    FOR KEY SHARE OF i
    ON CONFLICT (org_id) DO UPDATE SET
        failures = r.failures + 1,
        ends_at = now() + ($7::interval[])[least(r.failures + 1, cardinality($7::interval[]))],
        settings_at = excluded.settings_at
)
SELECT true FROM ended
"""
_LET_GO = f"UPDATE runs SET held_until = now(), takes = takes - 1 WHERE {_HELD}"
_UIDS = "SELECT uid, outcome FROM run_uids WHERE run_id = $1"
_NOTE_UIDS = """
INSERT INTO run_uids (run_id, uid, outcome)
SELECT $1, uid, outcome FROM unnest($2::text[], $3::text[]) AS given (uid, outcome)
ON CONFLICT (run_id, uid) DO UPDATE SET outcome = excluded.outcome
"""
_ADD = """
WITH replaced AS (DELETE FROM run_items WHERE run_id = $1 AND chain_id = ANY ($3::text[]))
INSERT INTO run_items (event_id, run_id, chain_id)
SELECT event_id, $1, chain_id FROM unnest($2::text[], $3::text[]) AS given (event_id, chain_id)
"""
_ANSWER = """
UPDATE run_items AS i SET outcome = given.outcome
FROM unnest($1::text[], $2::text[]) AS given (event_id, outcome)
WHERE i.event_id = given.event_id AND i.outcome IS NULL
"""
_GIVE_UP = """
UPDATE run_items AS i SET outcome = $1 FROM runs AS r
WHERE r.id = i.run_id AND i.outcome IS NULL AND r.ended_at <= $2
"""


_PATIENCE = timedelta(minutes=1)
"""For how long those that nobody waits for let younger ones go first that somebody waits for."""


@dataclass(frozen=True, slots=True)
class Keyed:
    """A run that was asked for with an idempotency key.

    Attributes:
        fingerprint: of the body of the request that did.
    """

    run_id: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """A run that somebody holds.

    Attributes:
        holder: whose take it is.
        takes: how often it was taken, this time included.
        traceparent: the trace context of what asked for it.
    """

    run_id: str
    org_id: str
    kind: RunKind
    holder: str
    takes: int
    traceparent: str | None = None


async def insert(conn: Connection, run: Run) -> None:
    """Write a run that waits."""
    await conn.execute(_INSERT, *_waiting(run))


async def of_key(conn: Connection, scope: bytes) -> Keyed | None:
    """Tell the run that was asked for with an idempotency key; one that failed does not count."""
    row = await conn.fetchrow(_OF_KEY, scope)
    return None if row is None else Keyed(row["id"], row["key_fingerprint"])


async def insert_once(conn: Connection, run: Run, scope: bytes, fingerprint: bytes, since: datetime) -> Keyed | None:
    """Write a run that waits, unless one was asked for with its idempotency key.

    Args:
        conn: a connection in a transaction.
        run: the run.
        scope: the key's.
        fingerprint: of the request's body.
        since: keys that came no later are good no more.

    Returns:
        The run that was asked for before; None if there was none.
    """
    await conn.execute(_END_KEY, scope, since)
    while not await conn.fetchval(_INSERT_ONCE, *_waiting(run), scope, fingerprint):
        if (found := await of_key(conn, scope)) is not None:
            return found
    return None


async def insert_unless_waiting(conn: Connection, run: Run) -> None:
    """Write a run that waits, unless one of its kind and organization does."""
    await conn.execute(_INSERT_UNLESS_WAITING, *_waiting(run))


def _waiting(run: Run) -> tuple[object, ...]:
    """Lay out a run that waits; what carries it out goes on with the trace under way."""
    start, end = run.window.start, run.window.end
    return run.id, run.org_id, run.kind.value, start, end, run.created_at, tracing.current()


async def fetch(conn: Connection, org_id: str, run_id: str) -> Run | None:
    """Read a run of an organization, or None."""
    row = await conn.fetchrow(_FETCH, org_id, run_id)
    return None if row is None else _run(row)


async def page(conn: Connection, org_id: str, before: str | None, limit: int, kinds: Collection[RunKind]) -> list[Run]:
    """Read runs of an organization and of some kinds, the newest first, from behind one on."""
    rows = await conn.fetch(_PAGE, org_id, before, limit, _values(kinds))
    return [_run(row) for row in rows]


async def take(
    conn: Connection, holder: str, lease: timedelta, now: datetime, kinds: Collection[RunKind] = frozenset(RunKind)
) -> Taken | None:
    """Take a run that nobody keeps any more, or else the one that waits longest, with some preference.

    Args:
        conn: a connection without a transaction.
        holder: an id of this take.
        lease: how long it is good without being kept.
        now: when it begins.
        kinds: of which kinds one may be begun; one that was left is taken whatever it is.

    Returns:
        None if there is none, or another was quicker with one of the same organization.
    """
    try:
        row = await conn.fetchrow(_TAKE, holder, lease, now, _values(kinds), _values(PERIODIC), _PATIENCE)
    except asyncpg.UniqueViolationError:
        return None
    if row is None:
        return None
    return Taken(row["id"], row["org_id"], RunKind(row["kind"]), holder, row["takes"], row["traceparent"])


async def keep(conn: Connection, holders: Collection[str], lease: timedelta) -> None:
    """Keep takes for another while."""
    await conn.execute(_KEEP, list(holders), lease)


async def save(conn: Connection, taken: Taken, progress: Progress) -> bool:
    """Write how far a run is; tells whether it is still held."""
    counts = {outcome.value: number for outcome, number in progress.tally.counts.items() if number}
    held = await conn.fetchval(_SAVE, taken.run_id, taken.holder, progress.position, counts, progress.requests)
    return bool(held)


async def end(conn: Connection, taken: Taken, error: RunError | None, now: datetime) -> bool:
    """End a run, well or with an error; tells whether it was still held.

    Where a run of webhooks failed, what webhooks told of is left alone for a while, until a run ends well.
    """
    state = RunState.COMPLETED if error is None else RunState.FAILED
    code, message = (None, None) if error is None else (error.code, error.message)
    ended = await conn.fetchval(_END, taken.run_id, taken.holder, state.value, code, message, now, list(RESTS))
    return bool(ended)


async def let_go(conn: Connection, taken: Taken) -> None:
    """Leave a run to whoever takes it next, at once; that it was taken does not count."""
    await conn.execute(_LET_GO, taken.run_id, taken.holder)


async def fates(conn: Connection, run_id: str) -> dict[str, Fate]:
    """Read what became of the uids that a run has read so far."""
    rows = await conn.fetch(_UIDS, run_id)
    return {row["uid"]: None if row["outcome"] is None else Outcome(row["outcome"]) for row in rows}


async def note_fates(conn: Connection, run_id: str, found: Mapping[str, Fate]) -> None:
    """Note what became of uids that a run has read."""
    await conn.execute(_NOTE_UIDS, run_id, list(found), [fate and fate.value for fate in found.values()])


async def add_items(conn: Connection, run_id: str, told: Mapping[str, str]) -> None:
    """Note what a run told booking: the ids of the events, by the chains' ids; of each chain the last one counts."""
    await conn.execute(_ADD, run_id, list(told.values()), list(told))


async def answer(conn: Connection, answers: Sequence[tuple[str, Outcome]]) -> None:
    """Note what became of what was told, by the events' ids; the first word stands."""
    await conn.execute(_ANSWER, [event for event, _ in answers], [outcome.value for _, outcome in answers])


async def give_up(conn: Connection, ended_before: datetime) -> int:
    """Wait no more for answers to runs that ended so long ago; tells how many there were."""
    status = await conn.execute(_GIVE_UP, Outcome.NO_ANSWER.value, ended_before)
    return int(status.rpartition(" ")[2])


def _values(kinds: Iterable[RunKind]) -> list[str]:
    return [kind.value for kind in kinds]


def _run(row: Any) -> Run:
    error = None if row["error_code"] is None else RunError(row["error_code"], row["error_message"])
    return Run(
        id=row["id"],
        org_id=row["org_id"],
        kind=RunKind(row["kind"]),
        state=RunState(row["state"]),
        window=Window(row["range_start"], row["range_end"]),
        progress=Progress(row["position"], _tally(row["counts"].items()), row["requests"]),
        answered=_tally((row["answered"] or {}).items()),
        unanswered=row["unanswered"],
        error=error,
        created_at=row["created_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
    )


def _tally(counts: Iterable[tuple[str, int]]) -> Tally:
    return Tally({Outcome(outcome): number for outcome, number in counts})
