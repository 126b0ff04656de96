"""Reference data in its tables: one set of statements for every kind.

Invariant: every statement names the organization, and what is deleted is found by none; a kind's columns are its
class's fields.
"""

from collections.abc import Mapping
from dataclasses import fields

import asyncpg

from booking.domain.listing import Found, Page
from booking.domain.reference import Kind, Stored, T
from booking.store.where import Condition, joined
from chassis.postgres import Connection, placeholders

_CASELESS = {"email"}


async def insert(conn: Connection, kind: Kind[T], org_id: str, stored: Stored[T]) -> None:
    """Write a new entity."""
    row = {"org_id": org_id, **_row(kind, stored)}
    await conn.execute(
        f"INSERT INTO {kind.name} ({', '.join(row)}) VALUES {placeholders(1, 1, len(row))}", *row.values()
    )


async def update(conn: Connection, kind: Kind[T], org_id: str, stored: Stored[T]) -> None:
    """Write an entity anew, or mark it as deleted."""
    row = _row(kind, stored)
    assignments = ", ".join(f"{column} = ${number}" for number, column in enumerate(row, 2))
    await conn.execute(f"UPDATE {kind.name} SET {assignments} WHERE org_id = $1 AND id = $2", org_id, *row.values())


async def fetch(
    conn: Connection, kind: Kind[T], org_id: str, entity_id: str, *, lock: bool = False
) -> Stored[T] | None:
    """Read one entity, or None; with `lock`, so that no other transaction changes or names it before this one ends."""
    return await _fetch(conn, kind, org_id, entity_id, "FOR UPDATE" if lock else "")


async def fetch_named(conn: Connection, kind: Kind[T], org_id: str, entity_id: str) -> Stored[T] | None:
    """Read an entity that another is to name, or None; it is not deleted before the transaction ends."""
    return await _fetch(conn, kind, org_id, entity_id, "FOR KEY SHARE")


async def page(
    conn: Connection, kind: Kind[T], org_id: str, wanted: Page, filters: Mapping[str, object]
) -> Found[Stored[T]]:
    """Read a page of an organization's entities, the oldest first.

    Args:
        conn: where to read.
        kind: of which kind.
        org_id: whose.
        wanted: which part of them.
        filters: the values that columns are to have.
    """
    where, values = joined(("org_id =", org_id), *(_condition(column, value) for column, value in filters.items()))
    found = f"FROM {kind.name} WHERE {where} AND deleted_at IS NULL"
    total = await conn.fetchval(f"SELECT count(*) {found}", *values)
    rows = await conn.fetch(
        f"SELECT {_selected(kind)} {found} ORDER BY created_at, id LIMIT ${len(values) + 1} OFFSET ${len(values) + 2}",
        *values,
        wanted.limit,
        wanted.offset,
    )
    return Found([_stored(kind, row) for row in rows], total, wanted)


async def _fetch(conn: Connection, kind: Kind[T], org_id: str, entity_id: str, lock: str) -> Stored[T] | None:
    row = await conn.fetchrow(
        f"SELECT {_selected(kind)} FROM {kind.name} WHERE id = $1 AND org_id = $2 AND deleted_at IS NULL {lock}",
        entity_id,
        org_id,
    )
    return None if row is None else _stored(kind, row)


def _condition(column: str, value: object) -> Condition:
    return (f"lower({column}) =", str(value).lower()) if column in _CASELESS else (f"{column} =", value)


def _kept(kind: Kind[T]) -> tuple[str, ...]:
    """Name the columns beside the entity's own; the id is the first."""
    counted = ("sequence", "last_event_id") if kind.emits else ()
    return ("id", "created_at", "updated_at", "deleted_at", *counted)


def _columns(kind: Kind[T]) -> list[str]:
    return [field.name for field in fields(kind.entity)]


def _row(kind: Kind[T], stored: Stored[T]) -> dict[str, object]:
    kept = {column: getattr(stored, column) for column in _kept(kind)}
    return {**kept, **{column: getattr(stored.entity, column) for column in _columns(kind)}}


def _selected(kind: Kind[T]) -> str:
    return ", ".join((*_kept(kind), *_columns(kind)))


def _stored(kind: Kind[T], row: asyncpg.Record) -> Stored[T]:
    entity = kind.entity(**{column: row[column] for column in _columns(kind)})
    return Stored(entity=entity, **{column: row[column] for column in _kept(kind)})
