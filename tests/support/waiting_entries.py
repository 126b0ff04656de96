"""Entries and queues of the waitlist, in a database without a service beside it."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from chassis.postgres import Database
from waitlist.domain.entry import Contact, Entry, queue_of
from waitlist.domain.status import Status
from waitlist.store import entries

JOINED = datetime(2026, 11, 1, 12, tzinfo=UTC)
FRIDAY = date(2026, 12, 4)


def an_org() -> str:
    """An organization of which nobody knows yet."""
    return f"org_{secrets.token_hex(6)}"


def an_entry(org_id: str, *, day: date | None = FRIDAY, location_id: str = "loc_1", **other: Any) -> Entry:
    """An entry that nothing is known of but where it waits: for a date at a location, or for `event_instance_id`."""
    instance_id = other.get("event_instance_id")
    at = None if instance_id else location_id
    on = None if instance_id else day
    entry = Entry(
        id=f"wle_{secrets.token_hex(8)}",
        org_id=org_id,
        queue=queue_of(at, on, instance_id),
        location_id=at,
        requested_date=on,
        event_instance_id=None,
        client_id=None,
        contact=Contact(name="Ada", email=f"ada-{secrets.token_hex(6)}@example.com"),
        party_size=2,
        preferred_start=None,
        preferred_end=None,
        window_start=None,
        window_end=None,
        priority=0,
        notes=None,
        source_name=None,
        channel=None,
        time_zone=None,
        matter_uid=None,
        initiator="staff",
        status=Status.WAITING,
        booking_id=None,
        joined_at=JOINED,
        updated_at=JOINED,
        version=1,
        sequence=1,
        last_event_id="evt_01",
    )
    return replace(entry, **other)


async def waiting(database: Database, org_id: str, **fields: Any) -> Entry:
    """Have somebody wait."""
    entry = an_entry(org_id, **fields)
    async with database.connection() as conn:
        await entries.insert(conn, entry)
    return entry


@dataclass(frozen=True)
class Mark:
    """A row of the due queues; `in_seconds` tells how far off its time is."""

    queue: str
    in_seconds: float
    held: bool
    failures: int


async def marks(database: Database, org_id: str) -> Sequence[Mark]:
    """Read the marks of an organization."""
    async with database.connection() as conn:
        rows = await conn.fetch(
            """
            SELECT queue, held_by IS NOT NULL AS held, failures,
                extract(epoch FROM coalesce(held_until, due_at) - clock_timestamp())::float8 AS in_seconds
            FROM queues WHERE org_id = $1 ORDER BY queue
            """,
            org_id,
        )
    return [Mark(**row) for row in rows]


async def marked(database: Database, org_id: str) -> set[str]:
    """Name the queues of an organization that are marked."""
    return {mark.queue for mark in await marks(database, org_id)}


SOON = timedelta(seconds=30)
