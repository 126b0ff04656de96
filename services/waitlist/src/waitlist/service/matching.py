"""Matching a queue with what is free: the next in turn is offered what fits, until nothing free fits anybody.

Invariant: who is asked next is decided under the queue's lock, and only when all that was begun in the queue is done;
so nobody is asked before those ahead, whoever else matches. What a match does not get done the next one finds.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, auto
from functools import partial

from chassis.origin import Origin
from chassis.unit import Unit
from slotwire_contracts import RemovalReason
from waitlist.client.taking import Refused
from waitlist.domain.choosing import ENDED, Candidate, Choice, Pick, Reason, choose, untold
from waitlist.domain.conversion import Conversion
from waitlist.domain.entry import Entry
from waitlist.domain.errors import UnavailableError
from waitlist.domain.happening import Removed
from waitlist.domain.offer import LEASE, Offer, OfferState
from waitlist.domain.passing import Passed
from waitlist.domain.policy import Policy, Way
from waitlist.domain.refusing import TAKEN, Refusal, Refusals
from waitlist.domain.status import Status
from waitlist.domain.terms import Terms
from waitlist.domain.visits import Facts, less
from waitlist.service.converting import Converting
from waitlist.service.ending import AT_ONCE, Ending
from waitlist.service.finding import own, system
from waitlist.service.knowing import Knowing
from waitlist.service.offering import Offering
from waitlist.service.tools import Tools
from waitlist.store import conversions, offers, queues, refusals

_LOOK_SECONDS = 0.05


@dataclass
class _Run:
    """One match of a queue.

    Attributes:
        facts: what booking told, less what was offered since.
        policy: that of the place.
        offered: the offers that were open before booking was asked.
        fresh: whether nothing was offered since booking told.
        refused: what booking would not give just now.
        rounds: the rounds that began with it, by when their places start.
    """

    org_id: str
    queue: str
    origin: Origin
    facts: Facts
    policy: Policy
    offered: frozenset[str]
    fresh: bool = True
    refused: list[Refusal] = field(default_factory=list)
    rounds: dict[datetime, str] = field(default_factory=dict)


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
        run = _Run(org_id, queue, origin, known.facts, known.policy, known.offered)
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
            run.facts, run.policy, run.offered, run.fresh = known.facts, known.policy, known.offered, True

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
            choice = choose(waiting, run.facts, run.policy, passed, refused=Refusals(run.refused), now=now)
            if (step := await self._end(unit, run, waiting, choice, now)) is not None:
                return step
            if run.policy.way is Way.NOTIFY_ALL:
                return await self._tell_all(unit, run, choice, passed, now)
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

    async def _tell_all(self, unit: Unit, run: _Run, choice: Choice, passed: Passed, now: datetime) -> _Step:
        """Tell all whom something free fits, so many at once."""
        again = len(choice.picks) > AT_ONCE or bool(choice.lost and run.fresh)
        for pick in choice.picks[:AT_ONCE]:
            entry = await own(unit.conn, run.org_id, pick.entry_id)
            if not await _is_as_picked(unit, entry, pick):
                again = True
                continue
            offer = await self._offering.request(
                unit.conn,
                entry,
                pick.place,
                run.facts,
                run.policy,
                held=False,
                round_id=passed.round_of(pick.place) or run.rounds.get(pick.place.start),
                actor=system(run.org_id),
                origin=run.origin,
                now=now,
            )
            run.rounds[pick.place.start] = offer.round
            await self._offering.tell(unit, entry, offer, now=now)
        return _Step.AGAIN if again else _Step.DONE

    async def _carry_out(self, run: _Run, begun: _Begun) -> None:
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
            run.facts, run.fresh = less(run.facts, pick.party_size, pick.place), False

    async def _keep(self, run: _Run, refusal: Refusal) -> None:
        """Pass over whom booking refuses something free, and have it told why."""
        run.refused.append(refusal)
        async with self._use.database.connection() as conn:
            await refusals.put(conn, run.org_id, run.queue, refusal, self._use.clock())

    async def _end(
        self, unit: Unit, run: _Run, waiting: Sequence[Candidate], choice: Choice, now: datetime
    ) -> _Step | None:
        """End what is over: entries that can never be offered anything, and offers of what is there no more.

        Returns:
            What is to be done before anybody is picked: there is more of it than is ended at once, somebody waits for
            something else by now, something that was held is to be given back, or booking has to be asked again, as
            others have offered what it told nothing of.
        """
        over = [one for one in waiting if choice.skipped.get(one.entry_id) in ENDED]
        left = [
            await self._leave(unit, run, candidate, choice.skipped[candidate.entry_id], now)
            for candidate in over[:AT_ONCE]
        ]
        names = {*choice.moved, *(choice.lost if run.fresh else ())}
        lost = [one for one in waiting if one.entry_id in names]
        known = [one.entry_id for one in lost if one.offer_id in run.offered]
        for entry_id in known[:AT_ONCE]:
            await self._take_back(unit, run, entry_id, now, held=entry_id in choice.moved)
        if not all(left) or len(over) > AT_ONCE or len(known) > AT_ONCE:
            return _Step.AGAIN
        return _Step.ASK_ANEW if choice.moved or len(known) < len(lost) else None

    async def _take_back(self, unit: Unit, run: _Run, entry_id: str, now: datetime, *, held: bool) -> None:
        """End what an entry is offered, unless it is becoming a booking; what is held only where that is asked for."""
        entry = await own(unit.conn, run.org_id, entry_id)
        offer = await offers.open_of(unit.conn, run.org_id, entry_id)
        if offer is None or offer.state is not OfferState.LIVE or (offer.held and not held):
            return
        if await conversions.of_entry(unit.conn, run.org_id, entry_id) is None:
            await self._ending.take_back(unit, entry, offer, system(run.org_id), run.origin, now=now)

    async def _leave(self, unit: Unit, run: _Run, candidate: Candidate, reason: Reason, now: datetime) -> bool:
        """Take an entry off that can never be offered anything; False if it waits for something else by now."""
        entry = await own(unit.conn, run.org_id, candidate.entry_id)
        if not entry.is_live or await conversions.of_entry(unit.conn, run.org_id, entry.id) is not None:
            return True
        if not candidate.is_as(entry):
            return False
        await self._ending.withdraw(unit, entry)
        if reason is Reason.CANCELLED:
            left, told = replace(entry, status=Status.REMOVED), Removed(RemovalReason.EVENT_CANCELLED)
        else:
            left, told = replace(entry, status=Status.EXPIRED), Removed(RemovalReason.EXPIRED)
        await self._use.recording.write(unit, told, left, system(run.org_id), run.origin, now=now)
        return True


async def _is_as_picked(unit: Unit, entry: Entry, pick: Pick) -> bool:
    """Tell whether an entry, whose lock is held, waits for what it was picked for, and is becoming no booking."""
    if entry.status is not Status.WAITING or not pick.candidate.is_as(entry):
        return False
    return await conversions.of_entry(unit.conn, entry.org_id, entry.id) is None
