"""The use case that tells why an entry has not been offered anything.

Invariant: nothing is written, and booking is asked outside any transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from waitlist.domain.actors import Actor
from waitlist.domain.candidates import Candidate
from waitlist.domain.entry import Placed
from waitlist.domain.explaining import Because, Situation, alone, ended, explain
from waitlist.domain.offer import Offer
from waitlist.domain.passing import Passed
from waitlist.domain.refusing import Refusals
from waitlist.service.finding import find
from waitlist.service.knowing import Knowing
from waitlist.service.tools import Tools
from waitlist.store import offers, refusals


@dataclass(frozen=True)
class Explained:
    """An entry, and why it is offered nothing."""

    placed: Placed
    because: Sequence[Because]


@dataclass(frozen=True)
class _Stored:
    """An entry, what it is being offered, and its queue."""

    placed: Placed
    offer: Offer | None
    queue: Sequence[Candidate]
    passed: Passed
    refused: Refusals


class Explaining:
    """Tells why an entry has not been offered anything."""

    def __init__(self, tools: Tools, knowing: Knowing) -> None:
        self._use = tools
        self._knowing = knowing

    async def explain(self, actor: Actor, entry_id: str) -> Explained:
        """Tell why an entry has not been offered anything.

        Raises:
            NotFoundError: there is no such entry in the actor's reach.
            UnavailableError: booking does not answer.
        """
        before = await self._read(actor, entry_id)
        entry = before.placed.entry
        if not entry.is_live:
            return Explained(before.placed, ended(entry))
        by_itself = [alone(one) for one in before.queue if one.entry_id == entry_id]
        facts, policy = await self._knowing.told(actor.org_id, entry.queue, [*before.queue, *by_itself])
        # As in a match, the queue is looked at after what is free: what was offered meanwhile is not called taken.
        seen = await self._read(actor, entry_id)
        if not seen.placed.entry.is_live:
            return Explained(seen.placed, ended(seen.placed.entry))
        situation = Situation(seen.queue, seen.passed, seen.offer, facts, policy, seen.refused)
        return Explained(seen.placed, explain(entry_id, situation, now=self._use.clock()))

    async def _read(self, actor: Actor, entry_id: str) -> _Stored:
        async with self._use.database.snapshot() as conn:
            placed = await find(conn, actor, entry_id)
            org_id, queue = placed.entry.org_id, placed.entry.queue
            return _Stored(
                placed,
                await offers.open_of(conn, org_id, entry_id),
                await offers.candidates(conn, org_id, queue),
                await offers.passed(conn, org_id, queue),
                Refusals(await refusals.of_queue(conn, org_id, queue)),
            )
