"""Showing entries with how long they probably wait.

Invariant: whatever answers an entry, the estimate is the same.
"""

from collections.abc import Sequence

from chassis.postgres import Connection
from waitlist.domain.actors import Actor
from waitlist.domain.entry import Placed
from waitlist.domain.estimating import estimated
from waitlist.service.finding import find
from waitlist.store import waits


async def show(conn: Connection, actor: Actor, entry_id: str) -> Placed:
    """Read an entry to answer it.

    Raises:
        NotFoundError: there is no such entry in the actor's reach.
    """
    (placed,) = await with_estimates(conn, actor.org_id, [await find(conn, actor, entry_id)])
    return placed


async def with_estimates(conn: Connection, org_id: str, found: Sequence[Placed]) -> list[Placed]:
    """Tell with entries how long they probably wait."""
    lately = await waits.lately(conn, org_id, {placed.entry.place for placed in found})
    return [estimated(placed, lately[placed.entry.place]) for placed in found]
