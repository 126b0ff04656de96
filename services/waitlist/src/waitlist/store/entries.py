"""Entries in their table.

Invariant: an entry is changed only by who holds the lock of its row; that a guest waits once in a queue, the database
holds. A place is the number of an entry among those of its queue that are live.
"""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import asyncpg

from chassis.postgres import Connection, placeholders
from waitlist.domain.actors import Actor
from waitlist.domain.entry import Contact, Entry, Placed
from waitlist.domain.errors import AlreadyWaitingError
from waitlist.domain.joining import NewEntry
from waitlist.domain.listing import EntryFilter, Found, Page
from waitlist.domain.status import Status

_CONTACT = tuple(f"contact_{field.name}" for field in fields(Contact))
_PLAIN = tuple(field.name for field in fields(Entry) if field.name != "contact")
_COLUMNS = (*_PLAIN, *_CONTACT)
_KEYS = ("id", "org_id")  # the first two columns, $1 and $2
_ASSIGNED = ", ".join(f"{name} = ${number}" for number, name in enumerate(_COLUMNS, 1) if name not in _KEYS)
_INSERT = f"INSERT INTO entries ({', '.join(_COLUMNS)}) VALUES {placeholders(1, 1, len(_COLUMNS))}"
_UPDATE = f"UPDATE entries SET {_ASSIGNED} WHERE id = $1 AND org_id = $2"
_REACH = "($2::text IS NULL OR e.client_id = $2)"
_SELECTED = f"SELECT {', '.join(f'e.{name}' for name in _COLUMNS)} FROM entries e"


def _placed_among(part: str) -> str:
    """Write a statement that reads some entries of the organization $1, each with its place in its queue.

    The queues of those that were selected are numbered, each once, and no other is looked at.
    """
    return f"""
    WITH part AS MATERIALIZED ({part}), places AS (
        SELECT id, row_number() OVER (PARTITION BY queue ORDER BY -priority, joined_at, id) AS position FROM entries
        WHERE org_id = $1 AND queue IN (SELECT queue FROM part) AND status IN ('waiting', 'notified')
    )
    SELECT part.*, places.position FROM part LEFT JOIN places USING (id)
    ORDER BY -part.priority, part.joined_at, part.id
    """


_FETCH = _placed_among(f"{_SELECTED} WHERE e.org_id = $1 AND {_REACH} AND e.id = $3")
_LOCK = f"SELECT true FROM entries e WHERE e.org_id = $1 AND {_REACH} AND e.id = $3 FOR UPDATE"
_OWN = f"{_SELECTED} WHERE e.org_id = $1 AND e.id = $2 FOR UPDATE"
_LIVE_OF = f"""
SELECT e.id FROM entries e
WHERE e.org_id = $1 AND {_REACH} AND e.queue = $3 AND e.client_id = $4 AND e.status IN ('waiting', 'notified')
AND ($5::text IS NULL OR coalesce(e.matter_uid, $5) = $5)
"""
_COUNT_LIVE = "SELECT count(*) FROM entries WHERE org_id = $1 AND queue = $2 AND status IN ('waiting', 'notified')"
_WANTED = f"""
e.org_id = $1 AND {_REACH} AND ($3::text IS NULL OR e.location_id = $3)
AND ($4::text IS NULL OR e.event_instance_id = $4) AND ($5::text IS NULL OR e.status = $5)
AND ($6::date IS NULL OR e.requested_date = $6)
"""
_PAGE = _placed_among(f"{_SELECTED} WHERE {_WANTED} ORDER BY -e.priority, e.joined_at, e.id LIMIT $7 OFFSET $8")


async def insert(conn: Connection, entry: Entry) -> None:
    """Write a new entry.

    Raises:
        AlreadyWaitingError: its guest waits in that queue.
    """
    await _write(conn, _INSERT, entry)


async def update(conn: Connection, entry: Entry) -> None:
    """Write an entry anew. The caller holds the lock of `fetch`.

    Raises:
        AlreadyWaitingError: the guest that it is of now waits in that queue.
    """
    await _write(conn, _UPDATE, entry)


async def fetch(conn: Connection, actor: Actor, entry_id: str, *, lock: bool = False) -> Placed | None:
    """Read an entry in the actor's reach, or None; with `lock`, so that changes of it queue up behind this one."""
    asked = actor.org_id, actor.client_id, entry_id
    # Two statements: what one that waits for a lock sees of the others' places is older than the row.
    if lock and not await conn.fetchval(_LOCK, *asked):
        return None
    row = await conn.fetchrow(_FETCH, *asked)
    return None if row is None else _placed(row)


async def own(conn: Connection, org_id: str, entry_id: str) -> Entry | None:
    """Read an entry under its lock, without its place: for that all who wait in its queue are looked at."""
    row = await conn.fetchrow(_OWN, org_id, entry_id)
    return None if row is None else _entry(row)


async def find_live(conn: Connection, actor: Actor, asked: NewEntry) -> str | None:
    """Find a client's live entry for an event instance, in the actor's reach; answers its id.

    Where both it and what is asked for name a matter, they name the same.
    """
    found: str | None = await conn.fetchval(
        _LIVE_OF, actor.org_id, actor.client_id, asked.event_instance_id, asked.client_id, asked.matter_uid
    )
    return found


async def count_live(conn: Connection, org_id: str, queue: str) -> int:
    """Count who waits in a queue. Who means to add one, and to keep to a number, holds the lock of `queues.lock`."""
    count: int = await conn.fetchval(_COUNT_LIVE, org_id, queue)
    return count


async def page(conn: Connection, actor: Actor, wanted: EntryFilter, part: Page) -> Found:
    """Read a page of the entries in the actor's reach: within a queue, in its order."""
    asked = (
        actor.org_id,
        actor.client_id,
        wanted.location_id,
        wanted.event_instance_id,
        wanted.status,
        wanted.requested_date,
    )
    total = await conn.fetchval(f"SELECT count(*) FROM entries e WHERE {_WANTED}", *asked)
    rows = await conn.fetch(_PAGE, *asked, part.limit, part.offset)
    return Found([_placed(row) for row in rows], total, part)


async def _write(conn: Connection, statement: str, entry: Entry) -> None:
    contact = asdict(entry.contact or Contact())
    values = [*(getattr(entry, name) for name in _PLAIN), *contact.values()]
    try:
        await conn.execute(statement, *values)
    except asyncpg.UniqueViolationError as error:
        if not (error.constraint_name or "").startswith("entries_one_of_"):
            raise
        raise AlreadyWaitingError("the guest is on this waitlist already") from None


def _placed(row: asyncpg.Record) -> Placed:
    return Placed(_entry(row), row["position"])


def _entry(row: asyncpg.Record) -> Entry:
    values: Mapping[str, Any] = dict(row.items())
    contact = Contact(*(values[name] for name in _CONTACT))
    plain = {name: values[name] for name in _PLAIN}
    return Entry(**{**plain, "status": Status(values["status"])}, contact=None if contact == Contact() else contact)
