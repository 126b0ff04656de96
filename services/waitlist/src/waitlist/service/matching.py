"""Matching a queue with what is free: the next in turn is offered what fits, until nothing free fits anybody.

Invariant: who is asked next is decided under the queue's lock, and only when all that was begun in the queue is done;
so nobody is asked before those ahead, whoever else matches. What a match does not get done the next one finds.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from chassis import tracing
from chassis.origin import Origin
from chassis.unit import Unit
from waitlist.client.taking import Refused
from waitlist.domain.candidates import untold
from waitlist.domain.choosing import Choice, Pick, choose
from waitlist.domain.conversion import Conversion
from waitlist.domain.entry import Entry
from waitlist.domain.errors import UnavailableError
from waitlist.domain.offer import LEASE, Offer, OfferState
from waitlist.domain.passing import Passed
from waitlist.domain.policy import Way
from waitlist.domain.refusing import TAKEN, Refusal, Refusals
from waitlist.domain.status import Status
from waitlist.domain.terms import Terms
from waitlist.service.clearing import Clearing
from waitlist.service.converting import Converting
from waitlist.service.ending import AT_ONCE, Ending
from waitlist.service.finding import own, system
from waitlist.service.knowing import Knowing
from waitlist.service.offering import Offering
from waitlist.service.run import Run, Step
from waitlist.service.tools import Tools
from waitlist.store import conversions, offers, queues, refusals

_LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class _Begun:
    """What was written down for a pick, and is to be carried out."""

    pick: Pick
    what: Offer | Conversion


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
        self._clearing = Clearing(tools, ending)
        self._new_request_id = partial(tools.ids.new, "req")

    async def match(self, org_id: str, queue: str) -> None:
        """End what is over in a queue, and offer what is free to those whose turn it is.

        Raises:
            UnavailableError: booking does not answer; the next match goes on from there.
        """
        origin = Origin(self._new_request_id(), tracing.current())
        await self._finish_begun(org_id, queue)
        await self._ending.expire(org_id, queue, origin)
        await self._ending.release(org_id, queue)
        known = await self._knowing.of(org_id, queue)
        if known is None:
            return
        run = Run(org_id, queue, origin, known)
        while (step := await self._next(run)) is not Step.DONE:
            if isinstance(step, _Begun):
                await self._carry_out(run, step)
                continue
            if step is Step.OTHERS_AT_IT:
                await self._finish_begun(org_id, queue)
            if step is not Step.AGAIN:
                await self._ask_anew(run)

    async def _ask_anew(self, run: Run) -> None:
        """Ask booking again, for all who wait by now, when what has ended is given back."""
        await self._ending.release(run.org_id, run.queue)
        known = await self._knowing.of(run.org_id, run.queue)
        if known is not None:
            run.learn(known)

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

    async def _next(self, run: Run) -> _Begun | Step:
        """Decide whose turn it is, and write down what comes of it."""
        async with self._use.units.begin() as unit:
            await queues.lock(unit.conn, run.org_id, run.queue)
            if await offers.is_busy(unit.conn, run.org_id, run.queue):
                return Step.OTHERS_AT_IT
            now = self._use.clock()
            waiting = await offers.candidates(unit.conn, run.org_id, run.queue)
            if untold(waiting, run.known.facts, now):
                return Step.ASK_ANEW
            passed = await offers.passed(unit.conn, run.org_id, run.queue)
            choice = choose(waiting, run.known.facts, run.known.policy, passed, refused=Refusals(run.refused), now=now)
            if (step := await self._clearing.end(unit, run, waiting, choice, now)) is not None:
                return step
            if run.known.policy.way is Way.NOTIFY_ALL:
                return await self._tell_all(unit, run, choice, passed, now)
            if not choice.picks:
                return Step.DONE
            pick = choice.picks[0]
            return await self._begin(unit, run, pick, passed.round_of(pick.place), now)

    async def _begin(self, unit: Unit, run: Run, pick: Pick, round_id: str | None, now: datetime) -> _Begun | Step:
        """Write down what the next in turn gets, unless that is another by now."""
        entry = await own(unit.conn, run.org_id, pick.entry_id)
        if not await _is_as_picked(unit, entry, pick):
            return Step.AGAIN
        if run.known.policy.way is Way.AUTO_CONVERT:
            terms, maker = Terms(pick.place), system(run.org_id)
            begun = await self._converting.begin_at(unit.conn, entry, terms, None, actor=maker, origin=run.origin)
            return _Begun(pick, begun)
        return _Begun(pick, await self._request(unit, run, entry, pick, round_id=round_id, now=now))

    async def _tell_all(self, unit: Unit, run: Run, choice: Choice, passed: Passed, now: datetime) -> Step:
        """Tell all whom something free fits, so many at once."""
        again = len(choice.picks) > AT_ONCE or bool(choice.lost and run.fresh)
        for pick in choice.picks[:AT_ONCE]:
            entry = await own(unit.conn, run.org_id, pick.entry_id)
            if await _is_as_picked(unit, entry, pick):
                round_id = passed.round_of(pick.place) or run.rounds.get(pick.place.start)
                offer = await self._request(unit, run, entry, pick, round_id=round_id, now=now)
                run.rounds[pick.place.start] = offer.round
                await self._offering.tell(unit, entry, offer, now=now)
            else:
                again = True
        return Step.AGAIN if again else Step.DONE

    async def _request(
        self, unit: Unit, run: Run, entry: Entry, pick: Pick, *, round_id: str | None, now: datetime
    ) -> Offer:
        """Write down what the next in turn is going to be offered."""
        return await self._offering.request(
            unit.conn,
            entry,
            pick.place,
            run.known.facts,
            run.known.policy,
            held=run.known.policy.way is not Way.NOTIFY_ALL,
            round_id=round_id,
            actor=system(run.org_id),
            origin=run.origin,
            now=now,
        )

    async def _carry_out(self, run: Run, begun: _Begun) -> None:
        """Do what was written down; what booking refuses is looked at anew."""
        if isinstance(begun.what, Conversion):
            done: Offer | Refused | None = await self._converting.carry_out(begun.what)
        else:
            done = await self._offering.carry_out(begun.what)
        pick = begun.pick
        if isinstance(done, Refused) and done.code != TAKEN:
            await self._keep(run, Refusal(pick.entry_id, pick.place, done.code, done.message))
        elif isinstance(done, Refused) or (done is not None and done.state is not OfferState.LIVE):
            if run.fresh:
                run.refused.append(Refusal(pick.entry_id, pick.place, TAKEN))
            await self._ask_anew(run)
        else:
            run.give_away(pick)

    async def _keep(self, run: Run, refusal: Refusal) -> None:
        """Pass over whom booking refuses something free, and have it told why."""
        run.refused.append(refusal)
        async with self._use.database.connection() as conn:
            await refusals.put(conn, run.org_id, run.queue, refusal, self._use.clock())


async def _is_as_picked(unit: Unit, entry: Entry, pick: Pick) -> bool:
    """Tell whether an entry, whose lock is held, waits for what it was picked for, and is becoming no booking."""
    if entry.status is not Status.WAITING or not pick.candidate.is_as(entry):
        return False
    return await conversions.of_entry(unit.conn, entry.org_id, entry.id) is None
