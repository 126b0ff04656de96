"""What a match ends before it picks anybody: entries that are over, and offers of what is there no more.

Invariant: an entry is ended by what it waits for when its row is locked, and by what booking told after it came and
since the match offered anything; an offer by what booking told after it was made.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from chassis.unit import Unit
from slotwire_contracts import RemovalReason
from waitlist.domain.candidates import Candidate
from waitlist.domain.choosing import ENDED, Choice, Reason
from waitlist.domain.happening import Removed
from waitlist.domain.offer import OfferState
from waitlist.domain.status import Status
from waitlist.service.ending import AT_ONCE, Ending
from waitlist.service.finding import own, system
from waitlist.service.run import Run, Step
from waitlist.service.tools import Tools
from waitlist.store import conversions, offers


class Clearing:
    """Ends what is over in a queue. Whoever asks for it holds the lock of the queue."""

    def __init__(self, tools: Tools, ending: Ending) -> None:
        self._use = tools
        self._ending = ending

    async def end(
        self, unit: Unit, run: Run, waiting: Sequence[Candidate], choice: Choice, now: datetime
    ) -> Step | None:
        """End what is over: entries that can never be offered anything, and offers of what is there no more.

        Returns:
            What is to be done before anybody is picked: there is more of it than is ended at once, somebody waits for
            something else by now, something that was held is to be given back, or booking has to be asked again, as
            what it told is too old to end somebody by, or others have offered what it told nothing of.
        """
        over = [one for one in waiting if choice.skipped.get(one.entry_id) in ENDED]
        if over and not (run.fresh and run.known.waited.issuperset(one.entry_id for one in over)):
            return Step.ASK_ANEW
        done = await self._end_entries(unit, run, over, choice, now)
        step = await self._end_offers(unit, run, waiting, choice, now)
        return step if done else Step.AGAIN

    async def _end_entries(
        self, unit: Unit, run: Run, over: Sequence[Candidate], choice: Choice, now: datetime
    ) -> bool:
        """End entries; False if that is not all of it, or somebody waits for something else by now."""
        left = [await self._leave(unit, run, one, choice.skipped[one.entry_id], now) for one in over[:AT_ONCE]]
        return all(left) and len(over) <= AT_ONCE

    async def _end_offers(
        self, unit: Unit, run: Run, waiting: Sequence[Candidate], choice: Choice, now: datetime
    ) -> Step | None:
        names = {*choice.moved, *(choice.lost if run.fresh else ())}
        lost = [one for one in waiting if one.entry_id in names]
        known = [one.entry_id for one in lost if one.offer_id in run.known.offered]
        for entry_id in known[:AT_ONCE]:
            await self._take_back(unit, run, entry_id, now, held=entry_id in choice.moved)
        if len(known) > AT_ONCE:
            return Step.AGAIN
        return Step.ASK_ANEW if choice.moved or len(known) < len(lost) else None

    async def _take_back(self, unit: Unit, run: Run, entry_id: str, now: datetime, *, held: bool) -> None:
        """End what an entry is offered, unless it is becoming a booking; what is held only where that is asked for."""
        entry = await own(unit.conn, run.org_id, entry_id)
        offer = await offers.open_of(unit.conn, run.org_id, entry_id)
        if offer is None or offer.state is not OfferState.LIVE or (offer.held and not held):
            return
        if await conversions.of_entry(unit.conn, run.org_id, entry_id) is None:
            await self._ending.take_back(unit, entry, offer, system(run.org_id), run.origin, now=now)

    async def _leave(self, unit: Unit, run: Run, candidate: Candidate, reason: Reason, now: datetime) -> bool:
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
