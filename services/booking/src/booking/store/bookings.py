"""Bookings in their table, each change together with its history.

Invariant: a booking and the history of a change to it are written by one statement; every read names the organization
and, for a client, the client.
"""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import asyncpg

from booking.domain.actors import Actor
from booking.domain.booking import Booking
from booking.domain.listing import BookingFilter, Found, Page
from booking.domain.status import Status
from booking.domain.times import local_date
from booking.store import history
from booking.store.filters import conditions
from chassis.postgres import Connection

_FIELDS = tuple(field.name for field in fields(Booking))
_SELECTED = ", ".join(_FIELDS)
_WRITTEN = (*_FIELDS, "local_date")
_KEYS = ("id", "org_id")  # the first two fields, $1 and $2
_ASSIGNED = ", ".join(f"{name} = ${number}" for number, name in enumerate(_WRITTEN, 1) if name not in _KEYS)
_ARRAYS = len(_WRITTEN) + 2

_HISTORY = f"""
INSERT INTO history (org_id, booking_id, actor, event_id, sequence, type, created_at, data)
SELECT $2, $1, ${_ARRAYS - 1}, event_id, sequence, type, created_at, data
FROM unnest(
    ${_ARRAYS}::text[], ${_ARRAYS + 1}::integer[], ${_ARRAYS + 2}::text[],
    ${_ARRAYS + 3}::timestamptz[], ${_ARRAYS + 4}::jsonb[]
) AS happened (event_id, sequence, type, created_at, data)
"""

_INSERT = f"""
WITH written AS (
    INSERT INTO bookings ({", ".join(_WRITTEN)})
    VALUES ({", ".join(f"${number}" for number in range(1, len(_WRITTEN) + 1))})
)
{_HISTORY}
"""

_UPDATE = f"""
WITH written AS (
    UPDATE bookings SET {_ASSIGNED}
    WHERE id = $1 AND org_id = $2
)
{_HISTORY}
"""

_FETCH = f"SELECT {_SELECTED} FROM bookings WHERE id = $1 AND org_id = $2 AND ($3::text IS NULL OR client_id = $3)"


async def insert(conn: Connection, booking: Booking, entries: Sequence[history.Entry], actor: str) -> None:
    """Write a new booking and its history."""
    await conn.execute(_INSERT, *_values(booking), actor, *history.columns(entries))


async def update(conn: Connection, booking: Booking, entries: Sequence[history.Entry], actor: str) -> None:
    """Write a booking anew, with what happened to it. The caller holds the lock of `fetch`."""
    await conn.execute(_UPDATE, *_values(booking), actor, *history.columns(entries))


async def fetch(conn: Connection, actor: Actor, booking_id: str, *, lock: bool = False) -> Booking | None:
    """Read a booking in the actor's reach, or None; with `lock`, so that changes of it queue up behind this one."""
    row = await conn.fetchrow(f"{_FETCH} FOR UPDATE" if lock else _FETCH, booking_id, actor.org_id, actor.client_id)
    return None if row is None else _booking(row)


async def page(conn: Connection, actor: Actor, wanted: BookingFilter, part: Page) -> Found[Booking]:
    """Read a page of the bookings in the actor's reach, by start."""
    where, values = conditions(actor, wanted)
    total = await conn.fetchval(f"SELECT count(*) FROM bookings WHERE {where}", *values)
    rows = await conn.fetch(
        f"SELECT {_SELECTED} FROM bookings WHERE {where} ORDER BY start_time, id"
        f" LIMIT ${len(values) + 1} OFFSET ${len(values) + 2}",
        *values,
        part.limit,
        part.offset,
    )
    return Found([_booking(row) for row in rows], total, part)


def _values(booking: Booking) -> list[object]:
    values = [getattr(booking, name) for name in _FIELDS]
    return [*values, local_date(booking.start_time, booking.zone)]


def _booking(row: asyncpg.Record) -> Booking:
    values: dict[str, Any] = dict(row.items())
    values["status"] = Status(values["status"])
    values["table_ids"] = tuple(values["table_ids"])
    return Booking(**values)
