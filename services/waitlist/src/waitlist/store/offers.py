"""Offers in their table.

Invariants: what becomes of an offer is written by who holds the lock of its entry's row. Without that lock nothing is
written but in whose hands a requested one is, that the hold of one that has ended is no more, and in `reopening` that
the place may be offered once more. That an entry has one open offer at most, the database holds.
"""

from dataclasses import fields
from datetime import datetime
from typing import Any

import asyncpg

from chassis.postgres import Connection, placeholders
from waitlist.domain.candidates import Candidate
from waitlist.domain.offer import Offer, OfferState
from waitlist.domain.passing import Pass, Passed
from waitlist.domain.visits import Place

_COLUMNS = tuple(field.name for field in fields(Offer))
_KEYS = ("id", "org_id")  # the first two columns, $1 and $2
_ASSIGNED = ", ".join(f"{name} = ${number}" for number, name in enumerate(_COLUMNS, 1) if name not in _KEYS)
_INSERT = f"INSERT INTO offers ({', '.join(_COLUMNS)}) VALUES {placeholders(1, 1, len(_COLUMNS))}"
_UPDATE = f"UPDATE offers SET {_ASSIGNED} WHERE id = $1 AND org_id = $2"
_READ = f"SELECT {', '.join(f'o.{name}' for name in _COLUMNS)} FROM offers o"
_FETCH = f"{_READ} WHERE o.org_id = $1 AND o.id = $2"
_ASKED_WITH = f"""
{_READ} WHERE o.org_id = $1 AND o.once_scope = $2 AND o.leased_until > $3 ORDER BY o.id DESC LIMIT 1
"""
_OPEN_OF = f"{_READ} WHERE o.org_id = $1 AND o.entry_id = $2 AND o.state IN ('requested', 'live')"
_REQUESTED = f"{_READ} WHERE o.org_id = $1 AND o.queue = $2 AND o.state = 'requested' ORDER BY o.id"
_NOT_CONVERTING = "NOT EXISTS (SELECT FROM conversions c WHERE c.entry_id = o.entry_id)"
_OVERDUE = f"""
{_READ} WHERE o.org_id = $1 AND o.queue = $2 AND o.state = 'live' AND o.expires_at <= $3 AND {_NOT_CONVERTING}
ORDER BY o.id LIMIT $4
"""
_TO_RELEASE = f"""
{_READ} WHERE o.org_id = $1 AND o.queue = $2 AND o.hold_open AND o.state NOT IN ('requested', 'live') ORDER BY o.id
"""
_RELEASED = "UPDATE offers SET hold_open = false WHERE org_id = $1 AND id = $2 AND state NOT IN ('requested', 'live')"
_LEASE = """
UPDATE offers SET leased_until = $4
WHERE org_id = $1 AND id = $2 AND state = 'requested' AND leased_until <= $3 RETURNING true
"""
_LET_GO = "UPDATE offers SET leased_until = $3 WHERE org_id = $1 AND id = $2 AND state = 'requested'"
_ATTEMPTS = "SELECT count(*) FROM offers WHERE org_id = $1 AND entry_id = $2 AND attempt > 0"
_IS_BUSY = """
SELECT EXISTS (SELECT FROM offers WHERE org_id = $1 AND queue = $2 AND state = 'requested')
    OR EXISTS (SELECT FROM conversions WHERE org_id = $1 AND queue = $2)
"""
_CANDIDATES = """
SELECT e.id, e.party_size, e.window_start, e.window_end, o.id AS offer_id, o.start_time, o.end_time,
    o.state = 'live' AND NOT o.held AS notice, c.entry_id IS NOT NULL AS converting,
    e.client_id IS NOT NULL OR e.contact_email IS NOT NULL AS bookable
FROM entries e
LEFT JOIN offers o ON o.entry_id = e.id AND o.state IN ('requested', 'live')
LEFT JOIN conversions c ON c.entry_id = e.id
WHERE e.org_id = $1 AND e.queue = $2 AND e.status IN ('waiting', 'notified')
ORDER BY -e.priority, e.joined_at, e.id
"""
# What an entry let pass counts until somebody else has or holds all of it: the same tables for all of that time. Spots
# are alike, and so is what is not held: there it is the offers of one round that are of the same place.
_PASSED = """
SELECT o.entry_id, o.start_time, o.end_time, o.round, o.state = 'declined' AS declined, o.reopened
FROM offers o JOIN entries e ON e.id = o.entry_id AND e.status IN ('waiting', 'notified')
WHERE o.org_id = $1 AND o.queue = $2 AND o.state IN ('declined', 'expired') AND NOT EXISTS (
    SELECT FROM offers p
    WHERE p.org_id = $1 AND p.queue = $2 AND (p.state = 'accepted' OR p.held AND p.state IN ('requested', 'live'))
    AND p.start_time <= o.start_time AND p.end_time >= o.end_time
    AND CASE WHEN o.table_ids = '{}' THEN p.round = o.round ELSE p.id > o.id AND p.table_ids && o.table_ids END
)
ORDER BY o.id
"""
# What is due already is not found again, so that however much waits for its look, the rest is found behind it.
_STUCK = """
SELECT stuck.org_id, stuck.queue FROM (
    SELECT org_id, queue FROM offers WHERE state = 'requested' AND leased_until <= $1
    UNION SELECT org_id, queue FROM offers WHERE state = 'live' AND expires_at <= $1
    UNION SELECT org_id, queue FROM offers WHERE hold_open AND state NOT IN ('live', 'requested')
    UNION SELECT org_id, queue FROM conversions WHERE leased_until <= $1
) AS stuck
WHERE NOT EXISTS (
    SELECT FROM queues q WHERE q.org_id = stuck.org_id AND q.queue = stuck.queue AND q.due_at <= clock_timestamp()
)
LIMIT $2
"""


async def insert(conn: Connection, offer: Offer) -> None:
    """Write a new offer."""
    await conn.execute(_INSERT, *_values(offer))


async def update(conn: Connection, offer: Offer) -> None:
    """Write an offer anew. The caller holds the lock of its entry."""
    await conn.execute(_UPDATE, *_values(offer))


async def fetch(conn: Connection, org_id: str, offer_id: str) -> Offer:
    """Read an offer, which is there: none is ever deleted."""
    row = await conn.fetchrow(_FETCH, org_id, offer_id)
    if row is None:
        raise AssertionError("an offer that was written is there")
    return _offer(row)


async def asked_with(conn: Connection, org_id: str, scope: bytes, since: datetime) -> Offer | None:
    """Read the latest offer that was asked for with an Idempotency-Key, if that was since an instant."""
    row = await conn.fetchrow(_ASKED_WITH, org_id, scope, since)
    return None if row is None else _offer(row)


async def open_of(conn: Connection, org_id: str, entry_id: str) -> Offer | None:
    """Read what an entry is being offered, if it is; it may be past its deadline."""
    row = await conn.fetchrow(_OPEN_OF, org_id, entry_id)
    return None if row is None else _offer(row)


async def lease(conn: Connection, offer: Offer, *, now: datetime, until: datetime) -> bool:
    """Take a requested offer in hand; False if somebody has it, or it is requested no more."""
    return bool(await conn.fetchval(_LEASE, offer.org_id, offer.id, now, until))


async def let_go(conn: Connection, offer: Offer, now: datetime) -> None:
    """Leave a requested offer to whoever goes on with it: the answer did not come."""
    await conn.execute(_LET_GO, offer.org_id, offer.id, now)


async def requested(conn: Connection, org_id: str, queue: str) -> list[Offer]:
    """Read the offers of a queue whose holds have been asked for and not been heard of."""
    return [_offer(row) for row in await conn.fetch(_REQUESTED, org_id, queue)]


async def overdue(conn: Connection, org_id: str, queue: str, now: datetime, at_most: int) -> list[Offer]:
    """Read offers of a queue that are past their deadline; one that is becoming a booking is none of them."""
    return [_offer(row) for row in await conn.fetch(_OVERDUE, org_id, queue, now, at_most)]


async def to_release(conn: Connection, org_id: str, queue: str) -> list[Offer]:
    """Read the offers of a queue that have ended and whose holds are to be given back."""
    return [_offer(row) for row in await conn.fetch(_TO_RELEASE, org_id, queue)]


async def released(conn: Connection, offer: Offer) -> None:
    """Write that the hold of an offer that has ended is no more."""
    await conn.execute(_RELEASED, offer.org_id, offer.id)


async def count_of(conn: Connection, org_id: str, entry_id: str) -> int:
    """Count the offers that an entry was told of."""
    count: int = await conn.fetchval(_ATTEMPTS, org_id, entry_id)
    return count


async def is_busy(conn: Connection, org_id: str, queue: str) -> bool:
    """Tell whether booking has been asked for something of a queue and not been heard of."""
    return bool(await conn.fetchval(_IS_BUSY, org_id, queue))


async def candidates(conn: Connection, org_id: str, queue: str) -> list[Candidate]:
    """Read all that have a place in a queue, in turn."""
    return [
        Candidate(
            entry_id=row["id"],
            party_size=row["party_size"],
            window_start=row["window_start"],
            window_end=row["window_end"],
            offered=None if row["start_time"] is None else Place(row["start_time"], row["end_time"]),
            offer_id=row["offer_id"],
            notice=bool(row["notice"]),
            converting=row["converting"],
            bookable=row["bookable"],
        )
        for row in await conn.fetch(_CANDIDATES, org_id, queue)
    ]


async def passed(conn: Connection, org_id: str, queue: str) -> Passed:
    """Read what those who have a place in a queue let pass, and what nobody else has or holds."""
    return Passed(
        [
            Pass(
                row["entry_id"],
                Place(row["start_time"], row["end_time"]),
                row["round"],
                declined=row["declined"],
                reopened=row["reopened"],
            )
            for row in await conn.fetch(_PASSED, org_id, queue)
        ]
    )


async def queues_to_resume(conn: Connection, now: datetime, limit: int) -> list[tuple[str, str]]:
    """Find queues in which something stands still and that are not due, of any organization: for whoever marks them.

    That is an offer past its deadline, a hold to give back, or an offer or a booking that was asked for and that is in
    nobody's hands.

    Args:
        conn: where to look.
        now: the current instant.
        limit: how many to find, at most.

    Returns:
        Organizations and queues.
    """
    rows = await conn.fetch(_STUCK, now, limit)
    return [(row["org_id"], row["queue"]) for row in rows]


def _values(offer: Offer) -> list[Any]:
    return [getattr(offer, name) for name in _COLUMNS]


def _offer(row: asyncpg.Record) -> Offer:
    values = dict(row.items())
    return Offer(**{**values, "table_ids": tuple(values["table_ids"]), "state": OfferState(values["state"])})
