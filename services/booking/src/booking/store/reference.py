"""Reference data in its tables: one set of statements for every kind.

Invariant: every statement names the organization; a kind's columns are its class's fields.
"""

from collections.abc import Collection
from dataclasses import fields

import asyncpg

from booking.domain.listing import Found, Page
from booking.domain.reference import Kind, Stored, T
from chassis.postgres import Connection


async def insert(conn: Connection, kind: Kind[T], org_id: str, stored: Stored[T]) -> None:
    """Write a new entity."""
    columns = _columns(kind)
    values = ", ".join(f"${number}" for number in range(5, 5 + len(columns)))
    await conn.execute(
        f"INSERT INTO {kind.name} (id, org_id, created_at, updated_at, {', '.join(columns)})"
        f" VALUES ($1, $2, $3, $4, {values})",
        stored.id,
        org_id,
        stored.created_at,
        stored.updated_at,
        *_values(stored.entity, columns),
    )


async def update(conn: Connection, kind: Kind[T], org_id: str, stored: Stored[T]) -> None:
    """Write an entity's fields anew."""
    columns = _columns(kind)
    assignments = ", ".join(f"{column} = ${number}" for number, column in enumerate(columns, 4))
    await conn.execute(
        f"UPDATE {kind.name} SET updated_at = $3, {assignments} WHERE id = $1 AND org_id = $2",
        stored.id,
        org_id,
        stored.updated_at,
        *_values(stored.entity, columns),
    )


async def fetch(
    conn: Connection, kind: Kind[T], org_id: str, entity_id: str, *, lock: bool = False
) -> Stored[T] | None:
    """Read one entity, or None; with `lock`, so that no other transaction changes it before this one ends."""
    row = await conn.fetchrow(
        f"SELECT {_selected(kind)} FROM {kind.name} WHERE id = $1 AND org_id = $2{' FOR UPDATE' if lock else ''}",
        entity_id,
        org_id,
    )
    return None if row is None else _stored(kind, row)


async def exists(conn: Connection, kind_name: str, org_id: str, entity_id: str) -> bool:
    """Tell whether the organization has such an entity."""
    return bool(await conn.fetchval(f"SELECT true FROM {kind_name} WHERE id = $1 AND org_id = $2", entity_id, org_id))


async def page(conn: Connection, kind: Kind[T], org_id: str, wanted: Page) -> Found[Stored[T]]:
    """Read a page of an organization's entities, the oldest first."""
    total = await conn.fetchval(f"SELECT count(*) FROM {kind.name} WHERE org_id = $1", org_id)
    rows = await conn.fetch(
        f"SELECT {_selected(kind)} FROM {kind.name} WHERE org_id = $1 ORDER BY created_at, id LIMIT $2 OFFSET $3",
        org_id,
        wanted.limit,
        wanted.offset,
    )
    return Found([_stored(kind, row) for row in rows], total, wanted)


def _columns(kind: Kind[T]) -> list[str]:
    return [field.name for field in fields(kind.entity)]


def _values(entity: T, columns: Collection[str]) -> list[object]:
    return [getattr(entity, column) for column in columns]


def _selected(kind: Kind[T]) -> str:
    return ", ".join(("id", "created_at", "updated_at", *_columns(kind)))


def _stored(kind: Kind[T], row: asyncpg.Record) -> Stored[T]:
    entity = kind.entity(**{column: row[column] for column in _columns(kind)})
    return Stored(row["id"], entity, row["created_at"], row["updated_at"])
