"""The tables that have a partition a day: events, deliveries and their attempts.

Invariants: an event, its deliveries and their attempts are of the same day, since their ids carry the event's time. A
day that is made after it was dropped is marked as restored, in the same transaction.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from chassis.partitions import DailyPartitions, Table
from chassis.postgres import Connection
from webhook_dispatcher.domain.ids import first_delivery_id, first_event_id


def least_event_id(day: date) -> str:
    """Tell the least id that an event of a day can have."""
    return first_event_id(_midnight(day))


def least_delivery_id(day: date) -> str:
    """Tell the least id that the delivery of an event of a day can have."""
    return first_delivery_id(_midnight(day))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


# What pending deliveries wait for, as the partial indexes have it; a query says the same, or it finds none of them.
WAITING = "state = 'pending' AND leased_by IS NULL AND awaits_turn IS NOT TRUE"
"""Deliveries that no worker holds: for their time, or for room in memory."""
LEASED = "state = 'pending' AND leased_by IS NOT NULL"
"""Deliveries that a worker holds."""
AWAITING_TURN = "state = 'pending' AND awaits_turn"
"""Deliveries that wait for an earlier one of their resource."""

_APPENDED = "autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0"

EVENTS = Table("events", least_event_id, _APPENDED)
DELIVERIES = Table(
    "deliveries",
    least_delivery_id,
    f"""
        fillfactor = 80, -- room for the settled version of a row beside its first
        autovacuum_vacuum_scale_factor = 0.02,
        autovacuum_vacuum_threshold = 5000,
        autovacuum_analyze_scale_factor = 0.05,
        {_APPENDED}
    """,
    needed=(WAITING, LEASED, AWAITING_TURN),
)
"""A day with a pending delivery is kept, however old it is."""
ATTEMPTS = Table("attempts", least_delivery_id, _APPENDED)

DAYS = DailyPartitions((EVENTS, DELIVERIES, ATTEMPTS))

# One that nobody dropped is taken for restored, too, if it lies before one that was dropped: it cannot be told.
_MARK_MADE = """
INSERT INTO restored_days
SELECT day FROM unnest($1::date[]) AS made (day) JOIN retention ON day <= dropped_until
ON CONFLICT DO NOTHING
"""
_MARK_DROPPED = """
WITH unmarked AS (DELETE FROM restored_days WHERE day = $1)
UPDATE retention SET dropped_until = greatest(dropped_until, $1)
"""
_HISTORY = """
SELECT dropped_until, ARRAY(SELECT day FROM restored_days) AS restored FROM retention
"""


@dataclass(frozen=True, slots=True)
class History:
    """Which days were dropped: the latest of them, and those that hold some of their events again."""

    dropped_until: date | None
    restored: Collection[date]


async def make(conn: Connection, days: Collection[date]) -> list[date]:
    """Make days that lack, inside a transaction that does nothing else; answer which they were."""
    made = await DAYS.ensure(conn, days)
    if made:
        await conn.execute(_MARK_MADE, made)
    return made


async def drop(conn: Connection, day: date) -> bool:
    """Drop a day, inside a transaction; answer False, having changed nothing, if a delivery in it is pending.

    Raises:
        InUseError: that would keep others waiting for long; the transaction is to be given up.
    """
    if not await DAYS.drop(conn, day):
        return False
    await conn.execute(_MARK_DROPPED, day)
    return True


async def history(conn: Connection) -> History:
    """Tell which days were dropped."""
    (row,) = await conn.fetch(_HISTORY)
    return History(**row)
