"""Writing what became of an entry, with its event.

Invariant: an entry and what is told of it are written in one transaction; the caller holds the lock of its row, unless
it is new.
"""

from datetime import datetime
from functools import partial

from chassis import outbox
from chassis.ids import Ids
from chassis.origin import Origin
from chassis.unit import Unit
from waitlist.domain.actors import Actor
from waitlist.domain.entry import Entry
from waitlist.domain.happening import Happening, Joined, numbered
from waitlist.service.events import event_of, message_of
from waitlist.store import entries


class Recording:
    """Writes entries and their events."""

    def __init__(self, ids: Ids) -> None:
        self._next_event_id = partial(ids.following, "evt")

    async def write(
        self, unit: Unit, happening: Happening, entry: Entry, actor: Actor, origin: Origin, *, now: datetime
    ) -> Entry:
        """Store an entry and publish what happened to it.

        Returns:
            The entry with its new version.
        """
        told = numbered(entry, now=now, next_id=self._next_event_id)
        store = entries.insert if isinstance(happening, Joined) else entries.update
        await store(unit.conn, told)
        await outbox.append(unit.conn, [message_of(event_of(happening, told, actor, origin))])
        unit.publishes()
        return told
