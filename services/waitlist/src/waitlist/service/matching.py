"""Matching a queue with what is free: the next in turn is offered what fits, until nothing free fits anybody.

Invariant: who is asked next is decided under the queue's lock, and only when all that was begun in the queue is done;
so nobody is asked before those ahead, whoever else matches. What a match does not get done the next one finds.
"""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, auto
from functools import partial

from chassis.unit import Unit
from waitlist.client.taking import Refused
from waitlist.domain.choosing import ENDED, Choice, Pick, Reason, choose, untold
from waitlist.domain.conversion import Conversion
from waitlist.domain.entry import Entry
from waitlist.domain.errors import UnavailableError
from waitlist.domain.happening import Removed
from waitlist.domain.offer import LEASE, Offer, OfferState
from waitlist.domain.passing import Passed
from waitlist.domain.policy import Policy, Way
from waitlist.domain.status import Status
from waitlist.domain.terms import Terms
from waitlist.domain.visits import Facts, less
from waitlist.service.converting import Converting
from waitlist.service.ending import Ending
from waitlist.service.finding import own, system
from waitlist.service.knowing import Knowing
from waitlist.service.offering import Offering
from waitlist.service.origin import Origin
from waitlist.service.tools import Tools
from waitlist.store import conversions, offers, queues

_LOOK_SECONDS = 0.05
_ENDED_AT_ONCE = 100


@dataclass
class _Run:
    """One match of a queue.

    Attributes:
        facts: what booking told, less what was offered since.
        policy: that of the place.
        fresh: whether nothing was offered since booking told.
        refused: what booking would not give just now, of entries and starts.
    """

    org_id: str
    queue: str
    origin: Origin
    facts: Facts
    policy: Policy
    fresh: bool = True
    refused: set[tuple[str, datetime]] = field(default_factory=set)


@dataclass(frozen=True)
class _Begun:
    """What was written down for a pick, and is to be carried out."""

    pick: Pick
    what: Offer | Conversion


class _Step(Enum):
    """What else can come of looking for the next in turn."""

    DONE = auto()
    AGAIN = auto()
    ASK_ANEW = auto()
    OTHERS_AT_IT = auto()


class Matching:
    """Matches queues."""

    def __init__(
        self, tools: Tools, knowing: Knowing, offering: Offering, converting: Converting, ending: Ending
    ) -> None:
        self._use = tools
        self._knowing = knowing
        self._offering = offering
        self._converting = converting
        self._ending = ending
        self._new_request_id = partial(tools.ids.new, "req")

    async def match(self, org_id: str, queue: str) -> None:
        """End what is over in a queue, and offer what is free to those whose turn it is.

        Raises:
            UnavailableError: booking does not answer; the next match goes on from there.
        """
        origin = Origin(self._new_request_id())
        await self._finish_begun(org_id, queue)
        await self._ending.expire(org_id, queue, origin)
        await self._ending.release(org_id, queue)
        known = await self._knowing.of(org_id, queue)
        if known is None:
            return
        run = _Run(org_id, queue, origin, *known)
        while (step := await self._next(run)) is not _Step.DONE:
            if isinstance(step, _Begun):
                await self._carry_out(run, step)
                continue
            if step is _Step.OTHERS_AT_IT:
                await self._finish_begun(org_id, queue)
            if step is not _Step.AGAIN:
                await self._ask_anew(run)

    async def _ask_anew(self, run: _Run) -> None:
        """Ask booking again, for all who wait by now, when what has ended is given back."""
        await self._ending.release(run.org_id, run.queue)
        known = await self._knowing.of(run.org_id, run.queue)
        if known is not None:
            (run.facts, run.policy), run.fresh = known, True

    async def _finish_begun(self, org_id: str, queue: str) -> None:
        """Go on with what was begun in a queue and is in nobody's hands, and wait for the rest.

        Raises:
            UnavailableError: booking does not answer, or others have something in hand for too long.
        """
        for _ in range(int(LEASE.total_seconds() / _LOOK_SECONDS)):
            async with self._use.database.connection() as conn:
                asked = await conversions.of_queue(conn, org_id, queue)
                requested = await offers.requested(conn, org_id, queue)
            if not (asked or requested):
                return
            resumed = [await self._converting.resume(conversion) for conversion in asked]
            resumed += [await self._offering.resume(offer) for offer in requested]
            if not all(resumed):
                await asyncio.sleep(_LOOK_SECONDS)
        raise UnavailableError("others have the queue in hand; try again")

    async def _next(self, run: _Run) -> _Begun | _Step:
        """Decide whose turn it is, and write down what comes of it."""
        async with self._use.units.begin() as unit:
            await queues.lock(unit.conn, run.org_id, run.queue)
            if await offers.is_busy(unit.conn, run.org_id, run.queue):
                return _Step.OTHERS_AT_IT
            now = self._use.clock()
            waiting = await offers.candidates(unit.conn, run.org_id, run.queue)
            if untold(waiting, run.facts, now):
                return _Step.ASK_ANEW
            passed = await offers.passed(unit.conn, run.org_id, run.queue)
            choice = choose(waiting, run.facts, run.policy, passed, refused=run.refused, now=now)
            if await self._end(unit, run, choice, now):
                return _Step.AGAIN
            if run.policy.way is Way.NOTIFY_ALL:
                await self._tell_all(unit, run, choice, passed, now)
                return _Step.AGAIN if choice.lost and run.fresh else _Step.DONE
            if not choice.picks:
                return _Step.DONE
            pick = choice.picks[0]
            return await self._begin(unit, run, pick, passed.round_of(pick.place), now)

    async def _begin(self, unit: Unit, run: _Run, pick: Pick, round_id: str | None, now: datetime) -> _Begun | _Step:
        """Write down what the next in turn gets, unless that is another by now."""
        entry = await own(unit.conn, run.org_id, pick.entry_id)
        if not await _is_as_picked(unit, entry, pick):
            return _Step.AGAIN
        actor = system(run.org_id)
        if run.policy.way is Way.AUTO_CONVERT:
            terms = Terms(pick.place)
            return _Begun(
                pick, await self._converting.begin_at(unit.conn, entry, terms, None, actor=actor, origin=run.origin)
            )
        offer = await self._offering.request(
            unit.conn,
            entry,
            pick.place,
            run.facts,
            run.policy,
            round_id=round_id,
            actor=actor,
            origin=run.origin,
            now=now,
        )
        return _Begun(pick, offer)

    async def _tell_all(self, unit: Unit, run: _Run, choice: Choice, passed: Passed, now: datetime) -> None:
        """Tell all whom something free fits."""
        begun: dict[datetime, str] = {}
        for pick in choice.picks:
            entry = await own(unit.conn, run.org_id, pick.entry_id)
            if not await _is_as_picked(unit, entry, pick):
                continue
            offer = await self._offering.request(
                unit.conn,
                entry,
                pick.place,
                run.facts,
                run.policy,
                held=False,
                round_id=passed.round_of(pick.place) or begun.get(pick.place.start),
                actor=system(run.org_id),
                origin=run.origin,
                now=now,
            )
            begun[pick.place.start] = offer.round
            await self._offering.tell(unit, entry, offer, now=now)

    async def _carry_out(self, run: _Run, begun: _Begun) -> None:
        """Do what was written down; what booking refuses is looked at anew."""
        if isinstance(begun.what, Conversion):
            given = not isinstance(await self._converting.carry_out(begun.what), Refused)
        else:
            done = await self._offering.carry_out(begun.what)
            given = not isinstance(done, Refused) and done.state is OfferState.LIVE
        if given:
            run.facts, run.fresh = less(run.facts, begun.pick.party_size, begun.pick.place), False
            return
        if run.fresh:
            run.refused.add((begun.pick.entry_id, begun.pick.place.start))
        await self._ask_anew(run)

    async def _end(self, unit: Unit, run: _Run, choice: Choice, now: datetime) -> bool:
        """End what is over: entries that can never be offered anything, and notices of what is free no more.

        Returns:
            Whether there are more such entries than are ended at once.
        """
        actor = system(run.org_id)
        over = [(entry_id, reason) for entry_id, reason in choice.skipped.items() if reason in ENDED]
        for entry_id, reason in over[:_ENDED_AT_ONCE]:
            await self._leave(unit, run, await own(unit.conn, run.org_id, entry_id), reason, now)
        for entry_id in choice.lost if run.fresh else ():
            entry = await own(unit.conn, run.org_id, entry_id)
            offer = await offers.open_of(unit.conn, run.org_id, entry_id)
            if offer is not None and offer.state is OfferState.LIVE and not offer.held:
                await self._ending.take_back(unit, entry, offer, actor, run.origin, now=now)
        return len(over) > _ENDED_AT_ONCE

    async def _leave(self, unit: Unit, run: _Run, entry: Entry, reason: Reason, now: datetime) -> None:
        if not entry.is_live or await conversions.of_entry(unit.conn, run.org_id, entry.id) is not None:
            return
        await self._ending.withdraw(unit, entry)
        if reason is Reason.CANCELLED:
            left, told = replace(entry, status=Status.REMOVED), Removed("event_cancelled")
        else:
            left, told = replace(entry, status=Status.EXPIRED), Removed("expired")
        await self._use.recording.write(unit, told, left, system(run.org_id), run.origin, now=now)


async def _is_as_picked(unit: Unit, entry: Entry, pick: Pick) -> bool:
    """Tell whether an entry, whose lock is held, waits for what it was picked for, and is becoming no booking."""
    if entry.status is not Status.WAITING or entry.party_size != pick.party_size:
        return False
    return await conversions.of_entry(unit.conn, entry.org_id, entry.id) is None
