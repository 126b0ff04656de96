"""The use case of following an organization's bookings, to keep a copy of them.

Invariant: who reads on from each page's cursor misses no booking's latest version, and sees no version twice.
"""

from datetime import datetime

from booking.domain.actors import Actor
from booking.domain.booking import Booking
from booking.domain.cursors import Cursor, Horizon
from booking.domain.listing import Followed, ReservationFilter
from booking.store import reservations
from chassis.postgres import Connection, Database


class Reservations:
    """Following bookings in the order in which they were last written."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, actor: Actor, wanted: ReservationFilter, *, limit: int, after: Cursor | None
    ) -> Followed[Booking]:
        """Read a page of the bookings in the actor's reach.

        Raises:
            InvalidCursorError: the cursor is of another era of the database.
        """
        since = wanted.updated_since if after is None else None
        async with self._database.connection() as conn:
            horizon = await _look(conn, actor, since)
            start = horizon.start(after)
            found = await reservations.read(conn, actor, wanted, start, settled=horizon.settled, limit=limit + 1)
        shown = found[:limit]
        has_more = len(found) > limit
        stands = horizon.cursor(shown[-1][0] if has_more else None)
        return Followed([booking for _, booking in shown], has_more, stands if shown or after else None)


async def _look(conn: Connection, actor: Actor, since: datetime | None) -> Horizon:
    """See how far the list reaches; what a restore brought from another database is numbered anew first."""
    horizon = await reservations.look(conn, actor.org_id, since=since)
    while horizon.restored:
        await reservations.renumber(conn, actor.org_id)
        horizon = await reservations.look(conn, actor.org_id, since=since)
    return horizon
