"""Event instances in their table, and the spots that are taken of them.

Invariant: every statement names the organization, or an instance that the caller found by it, and what is deleted is
found by none; the attendance that is read counts no hold that has expired. Who has registrations and their instance to
lock locks the instance last.
"""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import asyncpg

from booking.domain.instances import EventInstance, InstanceFilter, InstanceStatus
from booking.domain.listing import Found, Page
from booking.store.where import joined, starting
from chassis import outbox
from chassis.outbox import OutboxMessage
from chassis.postgres import Connection, placeholders

_FIELDS = tuple(field.name for field in fields(EventInstance))
_INSERT = f"""
INSERT INTO event_instances ({", ".join(_FIELDS)}) VALUES {placeholders(1, 1, len(_FIELDS))}
"""

# Never the attendance: that is the trigger's to count. $1 is the id.
_ASSIGNED = tuple(name for name in _FIELDS if name not in {"id", "org_id", "service_id", "attendance", "created_at"})
_UPDATE = f"""
UPDATE event_instances SET {", ".join(f"{name} = ${number}" for number, name in enumerate(_ASSIGNED, 2))} WHERE id = $1
"""

# $1 is the instant at which holds are expired.
_LIVE = """i.attendance - (
    SELECT coalesce(sum(s.spots), 0) FROM spots s WHERE s.instance_id = i.id AND s.expires_at <= $1
)::integer AS attendance"""
_READ = f"SELECT {', '.join(_LIVE if name == 'attendance' else name for name in _FIELDS)} FROM event_instances i"
_LOCAL_DATE = "(i.start_time AT TIME ZONE i.timezone)::date"
_LOCK = "SELECT true FROM event_instances WHERE id = $1 AND org_id = $2 FOR UPDATE"

_MOVE_HOLDS = """
UPDATE holds SET start_time = $2, end_time = $3 FROM spots WHERE spots.instance_id = $1 AND holds.id = spots.hold_id
"""


async def insert(conn: Connection, instance: EventInstance) -> None:
    """Write a new instance."""
    await conn.execute(_INSERT, *(getattr(instance, name) for name in _FIELDS))


async def update(conn: Connection, instance: EventInstance, messages: Sequence[OutboxMessage]) -> None:
    """Write an instance anew or mark it as deleted, and what is told of it. The caller holds the lock of `lock`."""
    assigned = (getattr(instance, name) for name in _ASSIGNED)
    await conn.execute(_UPDATE, instance.id, *assigned)
    await outbox.append(conn, messages)


async def fetch(conn: Connection, org_id: str, instance_id: str, *, now: datetime) -> EventInstance | None:
    """Read one instance, or None."""
    row = await conn.fetchrow(
        f"{_READ} WHERE i.id = $2 AND i.org_id = $3 AND i.deleted_at IS NULL", now, instance_id, org_id
    )
    return None if row is None else _instance(row)


async def lock(conn: Connection, org_id: str, instance_id: str) -> None:
    """See to it that neither an instance nor the spots taken of it change before the transaction ends.

    It is to be read afterwards: what a statement that waits for the lock sees of the spots is older than the instance.
    """
    await conn.execute(_LOCK, instance_id, org_id)


async def page(
    conn: Connection, org_id: str, wanted: InstanceFilter, part: Page, *, now: datetime
) -> Found[EventInstance]:
    """Read a page of an organization's instances, by start."""
    asked = (
        ("i.org_id =", org_id),
        ("i.service_id =", wanted.service_id),
        ("i.location_id =", wanted.location_id),
        ("i.status =", wanted.status),
        *starting(wanted.starts_from, wanted.starts_until, local_date=_LOCAL_DATE),
    )
    where, values = joined(*asked)
    total = await conn.fetchval(
        f"SELECT count(*) FROM event_instances i WHERE {where} AND i.deleted_at IS NULL", *values
    )
    where, values = joined(*asked, first=4)
    query = f"{_READ} WHERE {where} AND i.deleted_at IS NULL ORDER BY i.start_time, i.id LIMIT $2 OFFSET $3"
    rows = await conn.fetch(query, now, part.limit, part.offset, *values)
    return Found([_instance(row) for row in rows], total, part)


async def move_holds(conn: Connection, instance: EventInstance) -> None:
    """Give the holds of an instance's spots the time that it has."""
    await conn.execute(_MOVE_HOLDS, instance.id, instance.start_time, instance.end_time)


def _instance(row: asyncpg.Record) -> EventInstance:
    values: dict[str, Any] = dict(row.items())
    values["status"] = InstanceStatus(values["status"])
    return EventInstance(**values)
