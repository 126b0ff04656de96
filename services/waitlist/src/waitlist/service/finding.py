"""Finding an entry for a use case.

Invariant: what is out of the actor's reach is not there.
"""

from chassis.postgres import Connection
from waitlist.domain.actors import Actor
from waitlist.domain.entry import Entry, Placed
from waitlist.domain.errors import InvalidTransitionError, NotFoundError
from waitlist.store import conversions, entries


async def find(conn: Connection, actor: Actor, entry_id: str, *, lock: bool = False) -> Placed:
    """Read an entry; with `lock`, so that changes of it queue up behind this one.

    Raises:
        NotFoundError: there is no such entry in the actor's reach.
    """
    placed = await entries.fetch(conn, actor, entry_id, lock=lock)
    if placed is None:
        raise NotFoundError("there is no such waitlist entry")
    return placed


async def own(conn: Connection, org_id: str, entry_id: str) -> Entry:
    """Read an entry that is known to be there, under its lock."""
    entry = await entries.own(conn, org_id, entry_id)
    if entry is None:
        raise AssertionError("an entry that is known to be there is: none is ever deleted")
    return entry


def system(org_id: str) -> Actor:
    """Answer who acts where nobody asked."""
    return Actor(org_id, "system")


async def check_idle(conn: Connection, entry: Entry) -> None:
    """Refuse to change an entry that is becoming a booking; the caller holds its lock.

    Raises:
        InvalidTransitionError: it is.
    """
    if await conversions.of_entry(conn, entry.org_id, entry.id) is not None:
        raise InvalidTransitionError(
            "the entry is becoming a booking right now; try again", details={"status": entry.status.value}
        )
