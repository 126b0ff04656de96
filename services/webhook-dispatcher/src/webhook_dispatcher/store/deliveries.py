"""Deliveries in PostgreSQL, as the API and the ingest see them.

Invariants: a delivery is inserted once, whatever comes again; a discarded one is never sent. A page of a state reads
deliveries of that state and no others, but for delivered ones, which are the many.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from chassis.postgres import Connection
from webhook_dispatcher.domain.delivery import Birth, DeliveryState, DiscardReason
from webhook_dispatcher.domain.ids import first_delivery_id
from webhook_dispatcher.domain.reading import AttemptRecord, Cut, DeliveryFilter, DeliveryRecord, Page
from webhook_dispatcher.store import turns
from webhook_dispatcher.store.days import WAITING

_BORN = ("text", "text", "text", "text", "text", "text", "text", "boolean")
# In the order of the index of what waits, which is thereby entered where the subscription's begins.
_WAITING_OF = f"""
SELECT id FROM deliveries
WHERE subscription_id = $1 AND {WAITING} AND ($2 OR awaits_turn IS NULL)
ORDER BY retrying, due_at LIMIT $3
"""
_DISCARD = """
UPDATE deliveries SET state = 'discarded', reason = $2, settled_at = now()
WHERE id = ANY ($1::text[]) AND state = 'pending' AND leased_by IS NULL
    AND id BETWEEN $3 AND $4 -- the days beyond are not even opened
RETURNING id
"""
_COLUMNS = (
    "id, event_id, subscription_id, event_type, state, reason, attempts, due_at, created_at, settled_at, awaits_turn"
)
_FETCH = f"SELECT {_COLUMNS} FROM deliveries WHERE org_id = $1 AND id = $2"
_LOCK = "SELECT FROM deliveries WHERE id = $1 FOR UPDATE"
_ATTEMPTS = """
SELECT number, started_at, latency_ms, status, headers, body, error, detail
FROM attempts WHERE delivery_id = $1 ORDER BY number
"""
# Bounds that hold for every id where none is wanted: an OR would keep the index from being entered at them.
_WANTED = """
subscription_id = $1 AND id < coalesce($2, '~') AND id >= coalesce($3, '') AND ($4::text IS NULL OR event_type = $4)
"""
_PAGE = f"SELECT {_COLUMNS} FROM deliveries WHERE {_WANTED} AND {{which}} ORDER BY id DESC LIMIT $5"
# Each state by its index, so it is named here and no parameter. What workers hold is no more than fits into their
# memory, and is looked through whole.
_PAGES: Mapping[DeliveryState | None, str] = {
    None: _PAGE.format(which="true"),
    **{state: _PAGE.format(which=f"state = '{state}'") for state in DeliveryState},
    DeliveryState.PENDING: f"""
        WITH held AS MATERIALIZED (
            SELECT {_COLUMNS} FROM deliveries WHERE state = 'pending' AND leased_by IS NOT NULL
        ), unheld AS ({_PAGE.format(which="state = 'pending' AND leased_by IS NULL")})
        SELECT * FROM held WHERE {_WANTED} UNION ALL SELECT * FROM unheld ORDER BY id DESC LIMIT $5
    """,
}


def insertion(first: int, condition: str = "true") -> str:
    """Write an INSERT of births, due now or discarded, to be a part of the one statement that takes their events in.

    It returns the ids of those that were not there.

    Args:
        first: the number of its first own parameter; they are `columns`.
        condition: which of them are inserted, in terms of the columns of `deliveries`.
    """
    given = ", ".join(f"${first + place}::{kind}[]" for place, kind in enumerate(_BORN))
    return f"""
    INSERT INTO deliveries (
        id, event_id, subscription_id, org_id, event_type, leased_by, reason, awaits_turn, state, settled_at, due_at
    )
    SELECT
        id, event_id, subscription_id, org_id, event_type, leased_by, reason, awaits_turn,
        CASE WHEN reason IS NULL THEN 'pending' ELSE 'discarded' END, CASE WHEN reason IS NOT NULL THEN now() END,
        ${first + len(_BORN)}
    FROM unnest({given}) AS born (id, event_id, subscription_id, org_id, event_type, leased_by, reason, awaits_turn)
    WHERE {condition}
    ON CONFLICT (id) DO NOTHING
    RETURNING id
    """


def columns(births: Sequence[Birth], now: datetime) -> tuple[object, ...]:
    """Lay births out as the parameters of `insertion`: their fields stand in the order of its columns."""
    return (*(zip(*births, strict=True) if births else [()] * len(_BORN)), now)


_INSERT = insertion(1)


async def insert(conn: Connection, births: Sequence[Birth], now: datetime) -> set[str]:
    """Write new deliveries, due now or discarded, and answer the ids of those that were not there."""
    rows = await conn.fetch(_INSERT, *columns(births, now))
    return {row["id"] for row in rows}


async def discard(conn: Connection, subscription_id: str, reason: DiscardReason, *, at_most: int) -> int:
    """Discard pending deliveries that no worker holds, and answer how many; holders discard theirs themselves.

    Those that await their turn go first, and so do not come to have it.

    Args:
        conn: in a transaction that has locked the subscription, which is not active.
        subscription_id: whose deliveries.
        reason: why they are not sent any more.
        at_most: how many are discarded now.
    """
    is_ordered = await turns.lock_if_any(conn, subscription_id)
    ids = await turns.awaiting(conn, subscription_id, at_most) if is_ordered else []
    rows = await conn.fetch(_WAITING_OF, subscription_id, is_ordered, at_most - len(ids))
    ids += [row["id"] for row in rows]
    if not ids:
        return 0
    discarded = await conn.fetch(_DISCARD, ids, reason, min(ids), max(ids))
    if is_ordered:
        await turns.leave(conn, ids)
    return len(discarded)


async def fetch(conn: Connection, org_id: str, delivery_id: str) -> DeliveryRecord | None:
    """Read a delivery."""
    row = await conn.fetchrow(_FETCH, org_id, delivery_id)
    return None if row is None else DeliveryRecord(**{**row, "state": DeliveryState(row["state"])})


async def lock(conn: Connection, delivery_id: str) -> None:
    """Keep others from changing a delivery until the transaction ends; what they are writing is waited for."""
    await conn.execute(_LOCK, delivery_id)


async def attempts(conn: Connection, delivery_id: str) -> list[AttemptRecord]:
    """Read a delivery's attempts, the first one first."""
    return [AttemptRecord(**row) for row in await conn.fetch(_ATTEMPTS, delivery_id)]


async def page(conn: Connection, subscription_id: str, wanted: DeliveryFilter, cut: Cut) -> Page[DeliveryRecord]:
    """Read a page of a subscription's deliveries, the newest event first."""
    rows = await conn.fetch(
        _PAGES[wanted.state],
        subscription_id,
        cut.starting_after,
        None if wanted.since is None else first_delivery_id(wanted.since),
        wanted.event_type,
        cut.limit + 1,
    )
    records = [DeliveryRecord(**{**row, "state": DeliveryState(row["state"])}) for row in rows[: cut.limit]]
    return Page(records, len(rows) > cut.limit)
