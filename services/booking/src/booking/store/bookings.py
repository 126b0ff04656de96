"""Bookings in their table, each change together with what it claims and with what is told of it.

Invariant: a booking, its claim, the history of the change and the messages that tell of it are written by one
statement, all or nothing; every read names the organization and, for a client, the client.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any

import asyncpg

from booking.domain.actors import Actor
from booking.domain.booking import Booking
from booking.domain.errors import AlreadyBookedError
from booking.domain.listing import BookingFilter, Found, Page
from booking.domain.occupancy import Claim
from booking.domain.status import Status
from booking.domain.times import local_date
from booking.store import history, occupancy
from booking.store.contention import OvertakenError
from booking.store.filters import conditions, statuses
from chassis import idempotency, outbox
from chassis.outbox import OutboxMessage
from chassis.postgres import Connection, placeholders

_FIELDS = tuple(field.name for field in fields(Booking))
SELECTED = ", ".join(_FIELDS)
_WRITTEN = (*_FIELDS, "local_date", "attendee_slot", "complete_at")
_KEYS = ("id", "org_id")  # the first two fields, $1 and $2
_ASSIGNED = ", ".join(f"{name} = ${number}" for number, name in enumerate(_WRITTEN, 1) if name not in _KEYS)
_CLAIM = len(_WRITTEN) + 1
_HISTORY = _CLAIM + occupancy.COLUMNS
_INSERT = f"""
    INSERT INTO bookings ({", ".join(_WRITTEN)}) VALUES {placeholders(1, 1, len(_WRITTEN))}
"""
_UPDATE = f"UPDATE bookings SET {_ASSIGNED}, written = DEFAULT WHERE id = $1 AND org_id = $2"
_FETCH = f"SELECT {SELECTED} FROM bookings WHERE id = $1 AND org_id = $2 AND ($3::text IS NULL OR client_id = $3)"
_DUE = f"SELECT {SELECTED} FROM bookings WHERE complete_at <= $1 ORDER BY complete_at LIMIT $2"
_ONE_PER_ATTENDEE = "bookings_one_per_attendee"
_LOCK_SEVERAL = """
SELECT event_instance_id FROM bookings
WHERE id = ANY ($1::text[]) AND org_id = $2 AND ($3::text IS NULL OR client_id = $3)
ORDER BY id FOR UPDATE
"""
_REGISTRATIONS = f"""
SELECT {SELECTED} FROM bookings
WHERE event_instance_id = $1 AND org_id = $2 AND status = ANY ($3::text[]) AND id <> ALL ($4::text[])
ORDER BY id FOR UPDATE
"""


@dataclass(frozen=True)
class Record:
    """A booking as it is now, and what is told of how it came to be so: the same events to history and topic.

    Attributes:
        booking: to be stored.
        claim: what it takes now, beside what it has.
        actor: who did it.
        entries: for history.
        messages: for the topic.
        kept: the answer for a repetition of the request, as `chassis.idempotency.insertion` takes it; or none.
    """

    booking: Booking
    claim: Claim | None
    actor: str
    entries: Sequence[history.Entry]
    messages: Sequence[OutboxMessage]
    kept: Sequence[object] = ()


async def insert(conn: Connection, record: Record) -> None:
    """Write a new booking.

    Raises:
        asyncpg.ExclusionViolationError: another was quicker to take what it claims, or to make the same request.
        AlreadyBookedError: its attendee has that slot already.
    """
    await _execute(conn, _INSERT, record)


async def update(conn: Connection, record: Record) -> None:
    """Write a booking anew. The caller holds the lock of `fetch`.

    Raises:
        asyncpg.ExclusionViolationError, AlreadyBookedError: as `insert`.
    """
    await _execute(conn, _UPDATE, record)


async def fetch(conn: Connection, actor: Actor, booking_id: str, *, lock: bool = False) -> Booking | None:
    """Read a booking in the actor's reach, or None; with `lock`, so that changes of it queue up behind this one."""
    row = await conn.fetchrow(f"{_FETCH} FOR UPDATE" if lock else _FETCH, booking_id, actor.org_id, actor.client_id)
    return None if row is None else booking_of(row)


async def lock_several(conn: Connection, actor: Actor, booking_ids: Collection[str]) -> list[str]:
    """Lock bookings in the actor's reach in the order of their ids, and answer their event instances in that of theirs.

    Two who lock several wait for each other in one direction only, if both lock the instances in this order too.
    """
    rows = await conn.fetch(_LOCK_SEVERAL, list(booking_ids), actor.org_id, actor.client_id)
    return sorted({row["event_instance_id"] for row in rows} - {None})


async def lock_registrations(
    conn: Connection,
    org_id: str,
    instance_id: str,
    statuses: Collection[Status],
    *,
    besides: Collection[Booking] = (),
) -> list[Booking]:
    """Read an event instance's bookings in some statuses, so that changes of them queue up behind this one.

    They are locked in the order of their ids, so that two who lock them wait for each other in one direction only.

    Args:
        conn: where to read.
        org_id: whose.
        instance_id: the instance.
        statuses: the statuses.
        besides: those that were read and locked before.
    """
    known = [booking.id for booking in besides]
    rows = await conn.fetch(_REGISTRATIONS, instance_id, org_id, list(statuses), known)
    return [booking_of(row) for row in rows]


async def page(conn: Connection, actor: Actor, wanted: BookingFilter, part: Page) -> Found[Booking]:
    """Read a page of the bookings in the actor's reach, by start."""
    where, values = conditions(actor, wanted)
    among = [*values, statuses(wanted)]
    total = await conn.fetchval(f"SELECT count(*) FROM bookings WHERE {where} AND status = ANY (${len(among)})", *among)
    rows = await conn.fetch(_page(where, len(among)), *among, part.limit, part.offset)
    return Found([booking_of(row) for row in rows], total, part)


def _page(where: str, among: int) -> str:
    """Write a list's statement: the first bookings under each status, and of those the first.

    So every order by start comes from an index that has the status before it, whatever the planner expects.

    Args:
        where: the conditions.
        among: the number of the parameter with the statuses; limit and offset follow it.
    """
    limit, offset = f"${among + 1}::bigint", f"${among + 2}::bigint"
    return f"""
    SELECT {SELECTED} FROM bookings
    WHERE id = ANY (ARRAY(
        SELECT found.id
        FROM unnest(${among}::text[]) AS asked (status)
        CROSS JOIN LATERAL (
            SELECT id, start_time FROM bookings
            WHERE {where} AND status = asked.status
            ORDER BY start_time, id LIMIT {limit} + {offset}
        ) AS found
        ORDER BY found.start_time, found.id LIMIT {limit} OFFSET {offset}
    ))
    ORDER BY start_time, id
    """


async def due(conn: Connection, now: datetime, limit: int) -> list[Booking]:
    """Read bookings that complete by themselves at `now` or did before, the first ones first."""
    return [booking_of(row) for row in await conn.fetch(_DUE, now, limit)]


@cache
def _writing(written: str, *, entries: int, messages: int, once: bool) -> str:
    """Write the statement of a change.

    Args:
        written: the statement that writes the booking's row.
        entries: how many are added to its history.
        messages: how many go to the topic.
        once: whether its answer is kept for a repetition of the request.
    """
    first_message = _HISTORY + entries * history.COLUMNS
    kept = first_message + messages * outbox.COLUMNS
    parts = {
        "written": written,
        "claimed": occupancy.insertion(_CLAIM, booking_id="$1"),
        "remembered": history.insertion(_HISTORY, entries) if entries else None,
        "told": outbox.insertion(first_message, messages) if messages else None,
        "kept": idempotency.insertion(kept) if once else None,
    }
    return f"""
    WITH {", ".join(f"{name} AS ({part})" for name, part in parts.items() if part is not None)}
    {occupancy.check("claimed", _CLAIM)}
    {"UNION ALL SELECT all_claimed(count(*), 1) FROM kept" if once else ""}
    """


async def _execute(conn: Connection, written: str, record: Record) -> None:
    counted = {"entries": len(record.entries), "messages": len(record.messages)}
    statement = _writing(written, **counted, once=bool(record.kept))
    try:
        await conn.execute(statement, *_values(record))
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == history.ONE_OF_ENTRY:
            raise OvertakenError from None
        if error.constraint_name != _ONE_PER_ATTENDEE:
            raise
        raise AlreadyBookedError("the attendee has booked that slot already", param="attendee.email") from None


def _values(record: Record) -> list[object]:
    booking = record.booking
    return [
        *[getattr(booking, name) for name in _FIELDS],
        local_date(booking.start_time, booking.zone),
        booking.attendee_slot,
        booking.complete_at,
        *occupancy.columns(record.claim),
        *history.columns(record.entries, org_id=booking.org_id, booking_id=booking.id, actor=record.actor),
        *outbox.columns(record.messages),
        *record.kept,
    ]


def booking_of(row: asyncpg.Record) -> Booking:
    """Make a booking of a row with the columns of `SELECTED`, and others beside them."""
    values: dict[str, Any] = {name: row[name] for name in _FIELDS}
    values["status"] = Status(values["status"])
    values["table_ids"] = tuple(values["table_ids"])
    return Booking(**values)
