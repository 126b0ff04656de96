"""The history of bookings: written with the change it tells of, read as the feed.

Invariant: rows are only ever added; a trigger refuses the rest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from booking.domain.listing import FeedPage
from chassis.postgres import Connection, placeholders

# Bookkeeping is for the topic alone (events.md section 2).
_PUBLIC = "type NOT IN ('reservation.assigned', 'reservation.unassigned')"

_PLACE_OF = f"SELECT sequence FROM history WHERE event_id = $1 AND booking_id = $2 AND {_PUBLIC}"

_FORWARD = f"""
SELECT event_id, type, created_at, data FROM history
WHERE booking_id = $1 AND sequence > $2 AND {_PUBLIC} ORDER BY sequence LIMIT $3
"""

_BACKWARD = f"""
SELECT event_id, type, created_at, data FROM history
WHERE booking_id = $1 AND sequence < $2 AND {_PUBLIC} ORDER BY sequence DESC LIMIT $3
"""

_OF_ENTRY = """
SELECT booking_id FROM history
WHERE org_id = $1 AND data ->> 'waitlist_entry_id' = $2 AND type = 'reservation.created'
"""

ONE_OF_ENTRY = "history_one_of_entry"
"""The index that lets an entry of the waitlist become one booking."""

COLUMNS = 8


@dataclass(frozen=True)
class Entry:
    """One event as history keeps it; `data` is its change, whose keys keep their order."""

    event_id: str
    sequence: int
    type: str
    created_at: datetime
    data: Mapping[str, object]


@dataclass(frozen=True)
class FeedEntry:
    """One event as the feed shows it."""

    event_id: str
    type: str
    created_at: datetime
    data: Mapping[str, object]


async def read(conn: Connection, booking_id: str, page: FeedPage) -> tuple[list[FeedEntry], bool] | None:
    """Read a page of a booking's public events, the oldest first, and whether more follow in the page's direction.

    The caller has seen that the booking is in the reader's reach.

    Returns:
        None when the page's cursor names no event of the feed.
    """
    cursor = page.starting_after or page.ending_before
    place = 0 if cursor is None else await conn.fetchval(_PLACE_OF, cursor, booking_id)
    if place is None:
        return None
    backward = page.ending_before is not None
    rows = await conn.fetch(_BACKWARD if backward else _FORWARD, booking_id, place, page.limit + 1)
    entries = [_entry(row) for row in rows[: page.limit]]
    return (entries[::-1] if backward else entries), len(rows) > page.limit


async def booking_of_entry(conn: Connection, org_id: str, entry_id: str) -> str | None:
    """Find the booking that an entry of the waitlist became; answers its id."""
    found: str | None = await conn.fetchval(_OF_ENTRY, org_id, entry_id)
    return found


def insertion(first: int, rows: int) -> str:
    """Write an INSERT of entries, to be a part of the statement that writes their booking.

    Args:
        first: the number of its first own parameter; there are `COLUMNS` of them for each entry, as `columns` answers
            them.
        rows: how many entries.
    """
    return f"""
    INSERT INTO history (org_id, booking_id, actor, event_id, sequence, type, created_at, data)
    VALUES {placeholders(first, rows, COLUMNS)}
    """


def columns(entries: Sequence[Entry], *, org_id: str, booking_id: str, actor: str) -> list[object]:
    """Lay entries out as the parameters of `insertion`, one behind the other.

    Args:
        entries: of one change.
        org_id: the organization.
        booking_id: whose entries they are.
        actor: who did it.
    """
    return [
        value
        for entry in entries
        for value in (
            org_id,
            booking_id,
            actor,
            entry.event_id,
            entry.sequence,
            entry.type,
            entry.created_at,
            entry.data,
        )
    ]


def _entry(row: asyncpg.Record) -> FeedEntry:
    return FeedEntry(row["event_id"], row["type"], row["created_at"], row["data"])
