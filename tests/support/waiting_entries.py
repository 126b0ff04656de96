"""Entries that wait in a database of their own, and the marks of their queues."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from chassis.ids import new_id
from chassis.postgres import Database
from support.waitlist_values import DAY, a_request, drafted
from waitlist.domain.entry import Entry, queue_of
from waitlist.domain.status import Status
from waitlist.store import entries


def an_org() -> str:
    """An organization that nobody knows yet."""
    return f"org_{secrets.token_hex(6)}"


def waits(
    org_id: str, *, location_id: str = "loc_1", day: date = DAY, instance_id: str | None = None, **more: Any
) -> Entry:
    """An entry of a client of its own, for a date at a location or for an event instance."""
    place: dict[str, Any] = {"location_id": location_id, "requested_date": day, "event_instance_id": None}
    if instance_id is not None:
        place = {"location_id": None, "requested_date": None, "event_instance_id": instance_id}
    return replace(
        drafted(a_request()),
        id=new_id("wle"),
        org_id=org_id,
        queue=queue_of(**place),
        client_id=f"cli_{secrets.token_hex(6)}",
        sequence=1,
        last_event_id=new_id("evt"),
        **{**place, **more},
    )


async def put(database: Database, *some: Entry) -> None:
    """Write entries down, and nothing else."""
    async with database.transaction() as conn:
        for entry in some:
            await entries.insert(conn, entry)


async def statuses(database: Database, org_id: str) -> dict[str, Status]:
    """Tell where each entry of an organization stands, by its id."""
    async with database.connection() as conn:
        rows = await conn.fetch("SELECT id, status FROM entries WHERE org_id = $1", org_id)
    return {row["id"]: Status(row["status"]) for row in rows}


@dataclass(frozen=True)
class Mark:
    """A queue that is marked; `in_seconds` tells how far off its time is."""

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
                extract(epoch FROM coalesce(held_until, due_at) - now())::float8 AS in_seconds
            FROM queues WHERE org_id = $1 ORDER BY queue
            """,
            org_id,
        )
    return [Mark(**row) for row in rows]


async def marked(database: Database, org_id: str) -> set[str]:
    """Name the queues of an organization that are marked."""
    return {mark.queue for mark in await marks(database, org_id)}
