"""Use case on what booking tells: what it may have freed has queues looked at.

Invariant: told twice, it is as told once; nothing but a mark is made, so that telling never waits for a look.
"""

from collections.abc import Callable

from chassis.postgres import Database
from slotwire_contracts import AnyEvent
from waitlist.domain.freeing import FreedLocation, freed
from waitlist.store import queues


class Due:
    """Marks queues.

    Args:
        database: where they are.
        wake: called when some of them are due now.
    """

    def __init__(self, database: Database, wake: Callable[[], None]) -> None:
        self._database = database
        self._wake = wake

    async def hear(self, event: AnyEvent) -> None:
        """Have the queues looked at for which an event may have freed something, where somebody waits.

        Raises:
            OSError, asyncpg.PostgresError: the database is away.
        """
        found = freed(event)
        if found is None:
            return
        async with self._database.connection() as conn:
            if isinstance(found, FreedLocation):
                marked = await queues.mark_location(conn, event.orgid, found.location_id)
            else:
                marked = await queues.mark_live(conn, event.orgid, found.queues)
        if marked:
            self._wake()
