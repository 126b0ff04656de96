"""Which chains are to be read by themselves, as no list has told of them and yet they may have changed.

Invariant: what the run has read already is not among them, nor what was read of another account of Cal.com's last.
"""

from collections.abc import Collection, Iterable
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from typing import Any

from calcom_sync.domain.window import Window
from chassis.postgres import Connection
from slotwire_contracts import CalcomBooking

_UNREAD = """
c.org_id = $1 AND c.account = $3
AND NOT EXISTS (SELECT FROM run_uids AS u WHERE u.run_id = $2 AND u.uid = c.snapshot ->> 'uid')
"""
_MISSING = f"""
SELECT c.snapshot::text FROM chains AS c
WHERE {_UNREAD}
    AND ($4::timestamptz IS NULL OR (c.snapshot ->> 'start_time')::timestamptz >= $4)
    AND ($5::timestamptz IS NULL OR (c.snapshot ->> 'end_time')::timestamptz <= $5)
    AND c.snapshot ->> 'status_reason' IS DISTINCT FROM $6
ORDER BY c.chain_id
"""
_ENDED = f"""
SELECT c.snapshot::text FROM chains AS c
WHERE {_UNREAD}
    AND c.snapshot ->> 'status' = 'CONFIRMED' AND (c.snapshot ->> 'end_time') COLLATE "C" <= $4
    AND ($5::timestamptz IS NULL OR c.try_at IS NULL OR c.try_at <= $5)
ORDER BY (c.snapshot ->> 'end_time') COLLATE "C"
"""
_REFUSED = f"""
SELECT c.snapshot::text
FROM chains AS c
JOIN run_items AS i ON i.event_id = c.last_event_id
JOIN runs AS r ON r.id = i.run_id
WHERE {_UNREAD}
    AND (i.outcome = 'no_answer' OR (i.outcome = 'invalid' AND r.started_at < $4))
ORDER BY c.chain_id
"""
_OWED = """
SELECT c.chain_id FROM chains AS c JOIN run_items AS i ON i.event_id = c.last_event_id
WHERE c.org_id = $1 AND i.run_id <> $2 AND c.chain_id = ANY ($3::text[]) AND i.outcome IN ('invalid', 'no_answer')
"""
_OWES = """
SELECT EXISTS (
    SELECT FROM chains AS c JOIN run_items AS i ON i.event_id = c.last_event_id
    WHERE c.org_id = $1 AND i.outcome IN ('invalid', 'no_answer')
) OR EXISTS (SELECT FROM chains WHERE org_id = $1 AND untaken IN ('invalid', 'unreadable'))
"""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks.

    Attributes:
        org_id: whose chains it is about.
        run_id: the run that reads them.
        account: which of Cal.com's accounts it reads.
    """

    org_id: str
    run_id: str
    account: str


async def missing(conn: Connection, asker: Asker, window: Window, gone_reason: str) -> list[CalcomBooking]:
    """Read the chains that lie in a time, and should have been found there.

    Args:
        conn: the connection.
        asker: who looked.
        window: the time.
        gone_reason: the reason by which those are known that are gone for good.
    """
    return _snapshots(await conn.fetch(_MISSING, *astuple(asker), window.start, window.end, gone_reason))


async def ended(conn: Connection, asker: Asker, by: datetime, now: datetime | None) -> list[CalcomBooking]:
    """Read the chains that are told to be on, and were over by then.

    Args:
        conn: the connection.
        asker: who asks.
        by: by when they were over.
        now: the current instant, if those are left out that are to be left alone.
    """
    return _snapshots(await conn.fetch(_ENDED, *astuple(asker), f"{by.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", now))


async def refused(conn: Connection, asker: Asker, settings_at: datetime) -> list[CalcomBooking]:
    """Read the chains of which booking has no use, or gave no answer.

    Args:
        conn: the connection.
        asker: who asks.
        settings_at: of when the settings are; what was refused under the same ones would be refused again.
    """
    return _snapshots(await conn.fetch(_REFUSED, *astuple(asker), settings_at))


async def owed(conn: Connection, org_id: str, run_id: str, chain_ids: Collection[str]) -> frozenset[str]:
    """Tell which chains other runs told last, and booking has not taken over."""
    rows = await conn.fetch(_OWED, org_id, run_id, list(chain_ids))
    return frozenset(row["chain_id"] for row in rows)


async def owes(conn: Connection, org_id: str) -> bool:
    """Tell whether there is any chain that could not be taken, here or by booking."""
    return bool(await conn.fetchval(_OWES, org_id))


def _snapshots(rows: Iterable[Any]) -> list[CalcomBooking]:
    return [CalcomBooking.model_validate_json(row["snapshot"]) for row in rows]
