"""What uses an entity of reference data or an event instance, counted.

Invariant: a booking counts unless it was called off, however long ago it was; a hold until it expires.
"""

from collections.abc import Mapping
from datetime import datetime

from booking.domain.reference import Use
from booking.domain.status import USING
from chassis.postgres import Connection


def _counted(noun: str, table: str, condition: str, until: str = "NULL::timestamptz") -> str:
    return f"SELECT '{noun}' AS noun, count(*)::integer AS count, {until} AS until FROM {table} used WHERE {condition}"


def _bookings(condition: str) -> str:
    using = f"used.org_id = asked.org_id AND used.status = ANY (asked.statuses) AND {condition}"
    return _counted("booking", "bookings", using, "max(used.end_time)")


def _holds(condition: str) -> str:
    return _counted("hold", "holds", f"used.org_id = asked.org_id AND used.expires_at > asked.now AND {condition}")


def _named(noun: str, table: str, field: str) -> str:
    return _counted(noun, table, f"used.org_id = asked.org_id AND used.{field} = asked.id AND used.deleted_at IS NULL")


_USES: Mapping[str, tuple[str, ...]] = {
    "schedules": (
        _bookings("used.schedule_id = asked.id"),
        _holds("used.schedule_id = asked.id"),
        _named("event type", "event_types", "schedule_id"),
    ),
    "locations": (
        _named("table", "tables", "location_id"),
        _named("section", "sections", "location_id"),
        _named("service", "services", "location_id"),
        _counted(
            "event instance",
            "event_instances",
            "used.org_id = asked.org_id AND used.location_id = asked.id"
            " AND used.status <> 'cancelled' AND used.end_time > asked.now AND used.deleted_at IS NULL",
        ),
        _bookings("used.location_id = asked.id"),
        _holds("used.location_id = asked.id"),
    ),
    "tables": (
        # By the location first, for which there is an index.
        _bookings(
            "used.location_id = (SELECT location_id FROM tables WHERE id = asked.id)"
            " AND used.table_ids @> ARRAY[asked.id]"
        ),
        _holds("used.table_ids @> ARRAY[asked.id]"),
    ),
    "sections": (_named("table", "tables", "section_id"),),
    "event_types": (_bookings("used.event_type_id = asked.id"), _holds("used.event_type_id = asked.id")),
    "clients": (_bookings("used.client_id = asked.id"),),
    "services": (_named("event instance", "event_instances", "service_id"),),
    "event_instances": (_bookings("used.event_instance_id = asked.id"),),
}


def _reading(uses: tuple[str, ...]) -> str:
    return f"""
    SELECT uses.noun, uses.count, uses.until
    FROM (SELECT $1::text AS org_id, $2::text AS id, $3::timestamptz AS now, $4::text[] AS statuses) AS asked
    CROSS JOIN LATERAL ({" UNION ALL ".join(uses)}) AS uses
    WHERE uses.count > 0
    """


_READ = {name: _reading(uses) for name, uses in _USES.items()}


async def read(conn: Connection, collection: str, org_id: str, entity_id: str, *, now: datetime) -> list[Use]:
    """Count what uses an entity of a collection; what does not use it is not told."""
    return [Use(**row) for row in await conn.fetch(_READ[collection], org_id, entity_id, now, list(USING))]
