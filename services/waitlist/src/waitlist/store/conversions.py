"""Conversions in their table.

Invariant: an entry has one at most, which is written and deleted only by who holds the lock of the entry's row.
"""

from dataclasses import fields
from datetime import datetime

import asyncpg

from chassis.postgres import Connection, placeholders
from waitlist.domain.conversion import Conversion

_COLUMNS = tuple(field.name for field in fields(Conversion))
_INSERT = f"INSERT INTO conversions ({', '.join(_COLUMNS)}) VALUES {placeholders(1, 1, len(_COLUMNS))}"
_READ = f"SELECT {', '.join(_COLUMNS)} FROM conversions"
_OF_ENTRY = f"{_READ} WHERE org_id = $1 AND entry_id = $2"
_OF_QUEUE = f"{_READ} WHERE org_id = $1 AND queue = $2 ORDER BY id"
_LEASE = """
UPDATE conversions SET leased_until = $4 WHERE org_id = $1 AND id = $2 AND leased_until <= $3 RETURNING true
"""
_LET_GO = "UPDATE conversions SET leased_until = $3 WHERE org_id = $1 AND id = $2"
_DELETE = "DELETE FROM conversions WHERE org_id = $1 AND id = $2"


async def insert(conn: Connection, conversion: Conversion) -> None:
    """Write that booking is going to be asked."""
    await conn.execute(_INSERT, *(getattr(conversion, name) for name in _COLUMNS))


async def of_entry(conn: Connection, org_id: str, entry_id: str) -> Conversion | None:
    """Read what booking has been asked for an entry, if it has."""
    row = await conn.fetchrow(_OF_ENTRY, org_id, entry_id)
    return None if row is None else _conversion(row)


async def of_queue(conn: Connection, org_id: str, queue: str) -> list[Conversion]:
    """Read what booking has been asked for the entries of a queue."""
    return [_conversion(row) for row in await conn.fetch(_OF_QUEUE, org_id, queue)]


async def lease(conn: Connection, conversion: Conversion, *, now: datetime, until: datetime) -> bool:
    """Take a conversion in hand; False if somebody has it, or it has ended."""
    return bool(await conn.fetchval(_LEASE, conversion.org_id, conversion.id, now, until))


async def let_go(conn: Connection, conversion: Conversion, now: datetime) -> None:
    """Leave a conversion to whoever goes on with it: the answer did not come."""
    await conn.execute(_LET_GO, conversion.org_id, conversion.id, now)


async def end(conn: Connection, conversion: Conversion) -> None:
    """Delete a conversion whose answer is known."""
    await conn.execute(_DELETE, conversion.org_id, conversion.id)


def _conversion(row: asyncpg.Record) -> Conversion:
    return Conversion(**dict(row.items()))
