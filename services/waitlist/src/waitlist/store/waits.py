"""How long entries waited, in their table.

Invariant: only what the index of the latest bookings of a place holds is read, and of each place a bounded number.
"""

from collections.abc import Collection

from chassis.postgres import Connection
from waitlist.domain.estimating import RECENT, Past

_STARTED = "UPDATE entries SET first_position = $3 WHERE org_id = $1 AND id = $2"
# What is converted is not changed any more: its last change is the booking.
_LATELY = """
SELECT place, past.first_position, extract(epoch FROM past.updated_at - past.joined_at)::float8 / 60 AS minutes
FROM unnest($2::text[]) AS place CROSS JOIN LATERAL (
    SELECT e.first_position, e.joined_at, e.updated_at FROM entries e
    WHERE e.org_id = $1 AND coalesce(e.location_id, e.event_instance_id) = place
    AND e.status = 'converted' AND e.first_position IS NOT NULL
    ORDER BY e.updated_at DESC LIMIT $3
) AS past
"""


async def started(conn: Connection, org_id: str, entry_id: str, position: int | None) -> None:
    """Write from which place an entry that has just joined starts."""
    await conn.execute(_STARTED, org_id, entry_id, position)


async def lately(conn: Connection, org_id: str, places: Collection[str]) -> dict[str, list[Past]]:
    """Read how long those waited who last became bookings, by location or event instance."""
    found: dict[str, list[Past]] = {place: [] for place in places}
    for row in await conn.fetch(_LATELY, org_id, list(found), RECENT):
        found[row["place"]].append(Past(row["first_position"], row["minutes"]))
    return found
