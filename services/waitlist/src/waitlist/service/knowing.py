"""What booking tells of what a queue waits for, as much as the choice needs.

Invariant: every question is asked outside any transaction, and those of one moment at the same time.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from waitlist.domain.candidates import Candidate, need_at
from waitlist.domain.entry import Waited, waited_for
from waitlist.domain.joining import Told
from waitlist.domain.policy import Policy
from waitlist.domain.times import Span
from waitlist.domain.visits import Facts, Gone, Need, Question, Spots, Tables
from waitlist.service.policies import policy_for
from waitlist.service.tools import Tools
from waitlist.store import offers


@dataclass(frozen=True)
class Known:
    """What booking told for all who wait in a queue.

    Attributes:
        facts: what is free.
        policy: that of the place.
        waited: who waited before booking was asked: nobody who has come since is ended by its answer.
        offered: the offers that were open before booking was asked: of what was offered since it tells nothing.
    """

    facts: Facts
    policy: Policy
    waited: frozenset[str]
    offered: frozenset[str]


class Knowing:
    """Asks booking what can be offered."""

    def __init__(self, tools: Tools) -> None:
        self._use = tools

    async def of(self, org_id: str, queue: str) -> Known | None:
        """Ask what is free for the entries of a queue, and read the policy; None where nobody waits.

        Raises:
            UnavailableError: booking does not answer.
        """
        async with self._use.database.connection() as conn:
            asking = await offers.candidates(conn, org_id, queue)
        if not asking:
            return None
        facts, policy = await self.told(org_id, queue, asking)
        return Known(
            facts,
            policy,
            waited=frozenset(one.entry_id for one in asking),
            offered=frozenset(one.offer_id for one in asking if one.offer_id is not None),
        )

    async def told(self, org_id: str, queue: str, asking: Sequence[Candidate]) -> tuple[Facts, Policy]:
        """Ask what is free for some entries of a queue, and read the policy.

        Raises:
            UnavailableError: booking does not answer.
        """
        waited, now = waited_for(queue), self._use.clock()
        if waited.event_instance_id is not None:
            instance = await self._use.booking.instance(org_id, waited.event_instance_id)
            told = Told(instance=instance)
            facts: Facts = Gone() if instance is None else Spots(instance, instance.remaining)
        else:
            told, facts = await self._tables(org_id, waited, asking, now)
        async with self._use.database.connection() as conn:
            return facts, await policy_for(conn, org_id, told)

    async def _tables(
        self, org_id: str, waited: Waited, asking: Sequence[Candidate], now: datetime
    ) -> tuple[Told, Tables | Gone]:
        if waited.location_id is None or waited.requested_date is None:
            raise AssertionError("a queue is of an instance or of a location on a date")
        location = await self._use.booking.location(org_id, waited.location_id)
        if location is None:
            return Told(), Gone()
        shut = Tables(location, waited.requested_date, {})
        alike = {(one.party_size, one.window_start, one.window_end): one for one in asking}.values()
        needs = [need for need in (need_at(candidate, shut) for candidate in alike) if need is not None]
        groups: dict[Question, list[Need]] = {}
        for need in needs:
            if need.latest_start >= now:
                groups.setdefault(need.question, []).append(need)
        asked = {question: _span_of(group, now) for question, group in groups.items()}
        answers = await asyncio.gather(
            *(self._use.taking.free(org_id, location.id, question, within) for question, within in asked.items())
        )
        free = dict(zip(asked, answers, strict=True))
        return Told(location=location), Tables(location, waited.requested_date, free, asked)


def _span_of(needs: Sequence[Need], now: datetime) -> Span:
    return Span(max(now, min(need.window.start for need in needs)), max(need.window.end for need in needs))
