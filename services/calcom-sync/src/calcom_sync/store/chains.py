"""Chains in their table, each as it was told last, and the uids that belong to them.

Invariant: a chain's row moves on by one event at a time; a uid that has a chain keeps it. Snapshots are read and
written as JSON beside all else, as one may have thousands of attendees.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from calcom_sync.domain.counting import PAUSES, Outcome
from chassis.postgres import Connection
from slotwire_contracts import CalcomBooking

_COLUMNS = "chain_id, sequence, last_event_id, snapshot::text AS snapshot, fingerprint, account"
_LOCK = f"""
SELECT {_COLUMNS} FROM chains WHERE org_id = $1 AND chain_id = ANY ($2::text[]) ORDER BY chain_id FOR UPDATE
"""
_FETCH = f"SELECT {_COLUMNS} FROM chains WHERE org_id = $1 AND chain_id = ANY ($2::text[])"
_UIDS = """
SELECT chain_id, snapshot -> 'uids' AS uids FROM chains
WHERE org_id = $1 AND chain_id IN (SELECT chain_id FROM aliases WHERE org_id = $1 AND uid = ANY ($2::text[]))
"""
_OF_CURRENT = """
SELECT c.chain_id, a.uid FROM aliases AS a JOIN chains AS c ON c.org_id = a.org_id AND c.chain_id = a.chain_id
WHERE a.org_id = $1 AND a.uid = ANY ($2::text[]) AND c.snapshot ->> 'uid' = a.uid
"""
_GIVEN = """
unnest($2::text[], $3::int[], $4::text[], $5::text[], $6::text[])
    AS given (chain_id, sequence, last_event_id, snapshot, fingerprint)
"""
_INSERT = f"""
INSERT INTO chains (org_id, chain_id, sequence, last_event_id, snapshot, fingerprint)
SELECT $1, chain_id, sequence, last_event_id, snapshot::json, fingerprint FROM {_GIVEN}
"""
_UPDATE = f"""
UPDATE chains AS c SET
    sequence = given.sequence,
    last_event_id = given.last_event_id,
    snapshot = given.snapshot::json,
    fingerprint = given.fingerprint
FROM {_GIVEN} WHERE c.org_id = $1 AND c.chain_id = given.chain_id
"""
_CLAIM = """
UPDATE chains SET account = $3 WHERE org_id = $1 AND chain_id = ANY ($2::text[]) AND account IS DISTINCT FROM $3
"""
_NOTE_UNTAKEN = """
UPDATE chains AS c SET
    untaken = given.outcome,
    failures = c.failures + 1,
    try_at = $4 + ($5::interval[])[least(c.failures + 1, cardinality($5::interval[]))]
FROM unnest($2::text[], $3::text[]) AS given (chain_id, outcome)
WHERE c.org_id = $1 AND c.chain_id = given.chain_id AND (c.try_at IS NULL OR c.try_at <= $4)
"""
_NOTE_TAKEN = """
UPDATE chains SET untaken = NULL, failures = 0, try_at = NULL
WHERE org_id = $1 AND chain_id = ANY ($2::text[]) AND untaken IS NOT NULL
"""
_ALIAS = """
INSERT INTO aliases (org_id, uid, chain_id)
SELECT $1, uid, chain_id FROM unnest($2::text[], $3::text[]) AS given (uid, chain_id)
ON CONFLICT (org_id, uid) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Known:
    """A chain as it was told last.

    Attributes:
        sequence: the number of its latest event.
        last_event_id: the id of that event.
        fingerprint: the snapshot's.
        account: of which of Cal.com's accounts it was read last, as `claim` wrote it; None if that was not noted.
    """

    snapshot: CalcomBooking
    sequence: int
    last_event_id: str
    fingerprint: str
    account: str | None = None


async def fetch(conn: Connection, org_id: str, chain_ids: Collection[str]) -> dict[str, Known]:
    """Read chains, by their ids; those that are not known are left out."""
    return await asyncio.to_thread(_known, await conn.fetch(_FETCH, org_id, list(chain_ids)))


async def lock(conn: Connection, org_id: str, chain_ids: Collection[str]) -> dict[str, Known]:
    """Read chains as `fetch` does, and keep everybody else from changing them until the transaction ends."""
    return await asyncio.to_thread(_known, await conn.fetch(_LOCK, org_id, list(chain_ids)))


async def uids(conn: Connection, org_id: str, named: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Read all uids, the oldest first, of the chains to which some belong; by the chains' ids."""
    rows = await conn.fetch(_UIDS, org_id, list(named))
    return {row["chain_id"]: tuple(row["uids"]) for row in rows}


async def of_current(conn: Connection, org_id: str, named: Collection[str]) -> dict[str, str]:
    """Tell which chains have one of some uids as their current one, and which; another one that they have is past."""
    rows = await conn.fetch(_OF_CURRENT, org_id, list(named))
    return {row["chain_id"]: row["uid"] for row in rows}


async def insert(conn: Connection, org_id: str, told: Sequence[Known]) -> None:
    """Write chains that are new.

    Raises:
        asyncpg.UniqueViolationError: one is not.
    """
    await conn.execute(_INSERT, org_id, *await asyncio.to_thread(_given, told))
    await _alias(conn, org_id, told)


async def update(conn: Connection, org_id: str, told: Sequence[Known]) -> None:
    """Write chains that the transaction has locked."""
    await conn.execute(_UPDATE, org_id, *await asyncio.to_thread(_given, told))
    await _alias(conn, org_id, told)


async def claim(conn: Connection, org_id: str, chain_ids: Collection[str], account: str) -> None:
    """Note that an account of Cal.com's has chains; those that are not known are left out."""
    await conn.execute(_CLAIM, org_id, list(chain_ids), account)


async def note_untaken(conn: Connection, org_id: str, found: Mapping[str, Outcome], now: datetime) -> None:
    """Note of chains that they stay as they were, and leave them alone for a while; twice in it counts once."""
    outcomes = [outcome.value for outcome in found.values()]
    await conn.execute(_NOTE_UNTAKEN, org_id, list(found), outcomes, now, list(PAUSES))


async def note_taken(conn: Connection, org_id: str, chain_ids: Collection[str]) -> None:
    """Note that chains are as Cal.com has them."""
    await conn.execute(_NOTE_TAKEN, org_id, list(chain_ids))


async def _alias(conn: Connection, org_id: str, told: Sequence[Known]) -> None:
    pairs = [(uid, one.snapshot.chain_id) for one in told for uid in one.snapshot.uids]
    await conn.execute(_ALIAS, org_id, [uid for uid, _ in pairs], [chain for _, chain in pairs])


def _given(told: Sequence[Known]) -> tuple[list[Any], ...]:
    return (
        [one.snapshot.chain_id for one in told],
        [one.sequence for one in told],
        [one.last_event_id for one in told],
        [one.snapshot.model_dump_json() for one in told],
        [one.fingerprint for one in told],
    )


def _known(rows: Iterable[Any]) -> dict[str, Known]:
    return {row["chain_id"]: _one(row) for row in rows}


def _one(row: Any) -> Known:
    snapshot = CalcomBooking.model_validate_json(row["snapshot"])
    return Known(snapshot, row["sequence"], row["last_event_id"], row["fingerprint"], row["account"])
