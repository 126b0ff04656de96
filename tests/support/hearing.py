"""The stream of booking's events over a database on which nothing else works."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from chassis.clock import utc_now
from chassis.lifecycle import Loop, background
from chassis.postgres import Database
from slotwire_contracts import AnyEvent, Topic
from support.waiting import eventually
from support.waiting_entries import marked
from waitlist.service.due import Due
from waitlist.stream import FreeingStream


@dataclass
class Hearing:
    """A group of its own on a topic, and what its members of this process have heard."""

    database: Database
    bootstrap: str
    topic: Topic
    group: str
    heard: list[AnyEvent] = field(default_factory=list)
    woken: int = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run a member of the group for the block."""
        stream = FreeingStream(self.bootstrap, _Listener(self), topic=self.topic, group=self.group)
        async with background(Loop("freeing", stream.run), drain_seconds=15.0):
            yield

    async def has_heard(self, subject: str, word: str, *, within: float = 60) -> None:
        """Wait until it was heard what happened to something."""

        async def is_among() -> bool:
            return any(event.subject == subject and event.type.endswith(f".{word}") for event in self.heard)

        await eventually(is_among, within=within)

    async def has_marked(self, org_id: str, *queues: str, within: float = 60) -> None:
        """Wait until queues are marked."""

        async def are_marked() -> bool:
            return set(queues) <= await marked(self.database, org_id)

        await eventually(are_marked, within=within)

    async def forget(self, org_id: str) -> None:
        """Take the marks of an organization away."""
        async with self.database.connection() as conn:
            await conn.execute("DELETE FROM queues WHERE org_id = $1", org_id)


class _Listener(Due):
    """Marks, and notes down that it did."""

    def __init__(self, hearing: Hearing) -> None:
        super().__init__(hearing.database, utc_now)
        self._hearing = hearing
        self.waking(self._wake)

    async def hear(self, event: AnyEvent) -> None:
        await super().hear(event)
        self._hearing.heard.append(event)

    def _wake(self) -> None:
        self._hearing.woken += 1
