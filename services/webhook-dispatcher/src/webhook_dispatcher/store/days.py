"""The tables that have a partition a day: events, deliveries and their attempts.

Invariant: an event, its deliveries and their attempts are of the same day, since their ids carry the time of the event.
"""

from datetime import UTC, date, datetime, time

from chassis.partitions import DailyPartitions, Table
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
