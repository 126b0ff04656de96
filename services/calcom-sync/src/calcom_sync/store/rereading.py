"""Which chains are to be read by themselves, as no list has told of them and yet they may have changed.

They are told some at a time, in the order of their ids, as there may be as many as an organization has.

Invariant: what the run has read already is not among them, nor what was read of another account of Cal.com's last.
"""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from typing import Any

from calcom_sync.domain.window import Window
from chassis.postgres import Connection
from slotwire_contracts import CalcomBooking

_UNREAD = """
c.org_id = $1 AND c.account = $3 AND c.chain_id > $5
AND ($4::timestamptz IS NULL OR c.try_at IS NULL OR c.try_at <= $4)
AND NOT EXISTS (SELECT FROM run_uids AS u WHERE u.run_id = $2 AND u.uid = c.snapshot ->> 'uid')
"""
_SOME = "ORDER BY c.chain_id LIMIT $6"
_MISSING = f"""
SELECT c.snapshot::text FROM chains AS c
WHERE {_UNREAD}
    AND ($7::timestamptz IS NULL OR (c.snapshot ->> 'start_time')::timestamptz >= $7)
    AND ($8::timestamptz IS NULL OR (c.snapshot ->> 'end_time')::timestamptz <= $8)
    AND c.snapshot ->> 'status_reason' IS DISTINCT FROM $9
{_SOME}
"""
_ENDED = f"""
SELECT c.snapshot::text FROM chains AS c
WHERE {_UNREAD}
    AND c.snapshot ->> 'status' = 'CONFIRMED' AND (c.snapshot ->> 'end_time') COLLATE "C" <= $7
{_SOME}
"""
_REFUSED = f"""
SELECT c.snapshot::text
FROM chains AS c
JOIN run_items AS i ON i.event_id = c.last_event_id
JOIN runs AS r ON r.id = i.run_id
WHERE {_UNREAD}
    AND (i.outcome = 'no_answer' OR (i.outcome = 'invalid' AND r.started_at < $7))
{_SOME}
"""
_OWED = """
SELECT c.chain_id FROM chains AS c JOIN run_items AS i ON i.event_id = c.last_event_id
WHERE c.org_id = $1 AND i.run_id <> $2 AND c.chain_id = ANY ($3::text[]) AND i.outcome IN ('invalid', 'no_answer')
"""
_OWES = """
SELECT EXISTS (
    SELECT FROM chains AS c JOIN run_items AS i ON i.event_id = c.last_event_id
    WHERE c.org_id = $1 AND c.account = $2 AND i.outcome IN ('invalid', 'no_answer')
) OR EXISTS (
    SELECT FROM chains
    WHERE org_id = $1 AND account = $2 AND untaken IN ('invalid', 'unreadable') AND try_at <= $3
)
"""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks.

    Attributes:
        org_id: whose chains it is about.
        run_id: the run that reads them.
        account: which of Cal.com's accounts it reads.
        due_by: the current instant, if those are left out that are to be left alone; None: all are wanted.
    """

    org_id: str
    run_id: str
    account: str
    due_by: datetime | None


@dataclass(frozen=True, slots=True)
class Some:
    """Which of them are told: so many, behind one."""

    after: str
    most: int


async def missing(conn: Connection, asker: Asker, some: Some, window: Window, gone_reason: str) -> list[CalcomBooking]:
    """Read the chains that lie in a time, and should have been found there.

    Args:
        conn: the connection.
        asker: who looked.
        some: which of them.
        window: the time.
        gone_reason: the reason by which those are known that are gone for good.
    """
    return await _read(conn, _MISSING, asker, some, window.start, window.end, gone_reason)


async def ended(conn: Connection, asker: Asker, some: Some, by: datetime) -> list[CalcomBooking]:
    """Read the chains that are told to be on, and were over by then.

    Args:
        conn: the connection.
        asker: who asks.
        some: which of them.
        by: by when they were over.
    """
    return await _read(conn, _ENDED, asker, some, f"{by.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")


async def refused(conn: Connection, asker: Asker, some: Some, settings_at: datetime) -> list[CalcomBooking]:
    """Read the chains of which booking has no use, or gave no answer.

    Args:
        conn: the connection.
        asker: who asks.
        some: which of them.
        settings_at: of when the settings are; what was refused under the same ones would be refused again.
    """
    return await _read(conn, _REFUSED, asker, some, settings_at)


async def owed(conn: Connection, org_id: str, run_id: str, chain_ids: Collection[str]) -> frozenset[str]:
    """Tell which chains other runs told last, and booking has not taken over."""
    rows = await conn.fetch(_OWED, org_id, run_id, list(chain_ids))
    return frozenset(row["chain_id"] for row in rows)


async def owes(conn: Connection, org_id: str, account: str, now: datetime) -> bool:
    """Tell whether there is any chain of an account's that could not be taken, by booking, or here and is due again."""
    return bool(await conn.fetchval(_OWES, org_id, account, now))


async def _read(conn: Connection, statement: str, asker: Asker, some: Some, *more: object) -> list[CalcomBooking]:
    rows = await conn.fetch(statement, *astuple(asker), *astuple(some), *more)
    return await asyncio.to_thread(_snapshots, rows)


def _snapshots(rows: Iterable[Any]) -> list[CalcomBooking]:
    return [CalcomBooking.model_validate_json(row["snapshot"]) for row in rows]
