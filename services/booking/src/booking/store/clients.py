"""Clients, as bookings need them.

Invariant: what belongs to another organization is not found.
"""

from booking.domain.creation import Attendee
from chassis.postgres import Connection

_FETCH = """
SELECT name, email, phone, timezone FROM clients WHERE id = $1 AND org_id = $2 AND deleted_at IS NULL
"""


async def attendee(conn: Connection, org_id: str, client_id: str) -> Attendee | None:
    """Read who a client is, or None."""
    row = await conn.fetchrow(_FETCH, client_id, org_id)
    return None if row is None else Attendee(**row)
