"""Holds in their table, each written together with what it claims.

Invariant: a hold and its claim are written by one statement, all or nothing, and go together.
"""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import asyncpg

from booking.domain.actors import Actor
from booking.domain.holds import Hold
from booking.domain.occupancy import Claim
from booking.store import occupancy
from chassis import idempotency
from chassis.postgres import Connection, placeholders

_FIELDS = tuple(field.name for field in fields(Hold))
_SELECTED = ", ".join(_FIELDS)
_CLAIM = len(_FIELDS) + 1
_EXPIRES_AT = f"${_FIELDS.index('expires_at') + 1}"

_INSERT = f"""
WITH written AS (
    INSERT INTO holds ({_SELECTED}) VALUES {placeholders(1, 1, len(_FIELDS))}
),
claimed AS ({occupancy.insertion(_CLAIM, hold_id="$1", expires_at=_EXPIRES_AT)})
"""
_CHECK = occupancy.check("claimed", _CLAIM)
_INSERT_ONCE = f"""
{_INSERT}, kept AS ({idempotency.insertion(_CLAIM + occupancy.COLUMNS)})
{_CHECK} UNION ALL SELECT all_claimed(count(*), 1) FROM kept
"""
_TAKE = f"""
DELETE FROM holds WHERE id = $1 AND org_id = $2 AND ($3::text IS NULL OR client_id = $3) RETURNING {_SELECTED}
"""
_EXPIRED = "SELECT id FROM holds WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2"
_TAKE_ALL = f"DELETE FROM holds WHERE id = ANY ($1::text[]) RETURNING {_SELECTED}"

# Whoever changes an instance locks it before its holds: so does who takes a hold.
_LOCK_INSTANCES = """
SELECT FROM event_instances
WHERE id IN (SELECT event_instance_id FROM holds WHERE id = ANY ($1::text[]) AND ($2::text IS NULL OR org_id = $2))
ORDER BY id FOR NO KEY UPDATE
"""
# Of the spots first, for which there is an index.
_TAKE_OF_INSTANCE = f"""
DELETE FROM holds WHERE expires_at > $2 AND id IN (SELECT hold_id FROM spots WHERE instance_id = $1)
RETURNING {_SELECTED}
"""


async def insert(conn: Connection, hold: Hold, claim: Claim | None, kept: Sequence[object]) -> None:
    """Write a hold with what it claims.

    Args:
        conn: where to write.
        hold: the hold.
        claim: what it takes.
        kept: the answer for a repetition of the request, as `chassis.idempotency.insertion` takes it; or none.

    Raises:
        asyncpg.ExclusionViolationError: another was quicker to take what it claims, or to make the same request.
    """
    values = (*(getattr(hold, name) for name in _FIELDS), *occupancy.columns(claim), *kept)
    await conn.execute(_INSERT_ONCE if kept else _INSERT + _CHECK, *values)


async def take(conn: Connection, actor: Actor, hold_id: str) -> Hold | None:
    """Remove a hold in the actor's reach and answer what it was; what it claims is the caller's to give back."""
    await conn.execute(_LOCK_INSTANCES, [hold_id], actor.org_id)
    row = await conn.fetchrow(_TAKE, hold_id, actor.org_id, actor.client_id)
    return None if row is None else _hold(row)


async def take_expired(conn: Connection, now: datetime, limit: int) -> Sequence[Hold]:
    """Remove holds that are past their expiry, whoever's they are; of two who sweep at once one gets them."""
    expired = [row["id"] for row in await conn.fetch(_EXPIRED, now, limit)]
    await conn.execute(_LOCK_INSTANCES, expired, None)
    return [_hold(row) for row in await conn.fetch(_TAKE_ALL, expired)]


async def take_of_instance(conn: Connection, instance_id: str, now: datetime) -> Sequence[Hold]:
    """Remove the holds of an event instance's spots that have not expired; the others are left to who sweeps them up.

    The caller holds the lock of the instance, and gives back what they claim.
    """
    return [_hold(row) for row in await conn.fetch(_TAKE_OF_INSTANCE, instance_id, now)]


def _hold(row: asyncpg.Record) -> Hold:
    values: dict[str, Any] = dict(row.items())
    values["table_ids"] = tuple(values["table_ids"])
    return Hold(**values)
