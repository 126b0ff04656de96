"""Use cases on waitlist entries: joining, reading, changing, leaving.

Invariant: booking is asked before the transaction begins and never inside; an entry, its event, the mark of its queue
and the answer to its Idempotency-Key are committed together.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from chassis.idempotency import Once
from chassis.postgres import Connection
from chassis.unit import Unit
from waitlist.domain.actors import Actor
from waitlist.domain.changing import Change, remove, revise
from waitlist.domain.entry import Entry, Placed
from waitlist.domain.errors import NotFoundError, WaitlistFullError
from waitlist.domain.happening import Happening, Joined, Removed, Updated
from waitlist.domain.joining import NewEntry, Told, check_named, draft
from waitlist.domain.listing import EntryFilter, Found, Page
from waitlist.service.ending import Ending
from waitlist.service.estimating import show, with_estimates
from waitlist.service.finding import check_idle, find
from waitlist.service.origin import Origin
from waitlist.service.policies import policy_for
from waitlist.service.telling import Telling
from waitlist.service.tools import Tools
from waitlist.store import entries, queues, reopening, waits

Decide = Callable[[Entry, datetime], tuple[Entry, Happening]]
"""Tells what becomes of an entry now, and what has happened to it then."""


@dataclass(frozen=True)
class Waiting:
    """An entry with its place, and what booking told of what it names."""

    placed: Placed
    told: Told


class Entries:
    """Who waits for what."""

    def __init__(self, tools: Tools, ending: Ending) -> None:
        self._use = tools
        self._ending = ending
        self._telling = Telling(tools.booking)
        self._new_id = partial(tools.ids.new, "wle")

    async def join(self, actor: Actor, wanted: NewEntry, origin: Origin, once: Once | None) -> Waiting:
        """Put a guest on the waitlist.

        Raises:
            ForbiddenError: a client key names another client, or gives a priority.
            ValidationFailedError: as `draft` says.
            AlreadyWaitingError: the guest waits there.
            WaitlistFullError: as many wait there as may.
            UnavailableError: booking does not answer.
        """
        new = _settled(actor, wanted)
        told = await self._telling.of_new(actor.org_id, new)
        async with self._use.units.begin(once) as unit:
            now = self._use.clock()
            policy = await policy_for(unit.conn, actor.org_id, told)
            entry = draft(new, told, policy, actor=actor, entry_id=self._new_id(), now=now)
            if policy.max_entries is not None:
                await queues.lock(unit.conn, actor.org_id, entry.queue)
            waiting = Waiting(await self._write(unit, Joined(), entry, actor, origin, now=now), told)
            await waits.started(unit.conn, actor.org_id, entry.id, waiting.placed.position)
            await _check_room(unit.conn, entry, policy.max_entries)
            unit.answer(waiting)
        return waiting

    async def get(self, actor: Actor, entry_id: str) -> Placed:
        """Read an entry.

        Raises:
            NotFoundError: there is no such entry in the actor's reach.
        """
        async with self._use.database.connection() as conn:
            return await show(conn, actor, entry_id)

    async def page(self, actor: Actor, wanted: EntryFilter, part: Page) -> Found:
        """Read a page of the entries in the actor's reach."""
        async with self._use.database.snapshot() as conn:
            found = await entries.page(conn, actor, wanted, part)
            return replace(found, items=await with_estimates(conn, actor.org_id, found.items))

    async def change(self, actor: Actor, entry_id: str, change: Change, origin: Origin) -> Placed:
        """Change some fields of an entry.

        Raises:
            NotFoundError: there is no such entry in the actor's reach.
            ForbiddenError: a client key gives a priority.
            VersionConflictError, InvalidTransitionError, ValidationFailedError: as `revise` says.
            AlreadyWaitingError: the guest that it is of now waits there.
            UnavailableError: booking does not answer.
        """
        if "priority" in change.given:
            actor.must_be_staff("give a priority", param="priority")
        seen = await self.get(actor, entry_id)
        told = await self._telling.of_place(seen.entry) if change.is_of_the_place else Told()
        return await self._rewrite(
            actor, entry_id, origin, lambda entry, now: (revise(entry, change, told, now=now), Updated(entry))
        )

    async def remove(self, actor: Actor, entry_id: str, version: int | None, origin: Origin) -> Placed:
        """Take an entry off the waitlist; one that is off stays as it is.

        Raises:
            NotFoundError: there is no such entry in the actor's reach.
            VersionConflictError, InvalidTransitionError: as `remove` says, or it is becoming a booking right now.
        """
        reason = Removed("guest" if actor.is_client else "staff")
        removed = await self._rewrite(actor, entry_id, origin, lambda entry, _: (remove(entry, version), reason))
        await self._ending.release_soon(actor.org_id, removed.entry.queue)
        return removed

    async def leave(self, actor: Actor, wanted: NewEntry, origin: Origin) -> Waiting:
        """Take a client off the waitlist of an event instance.

        Args:
            actor: who asks.
            wanted: the instance, the client, and perhaps the matter that the client had joined with.
            origin: the request behind it.

        Raises:
            ForbiddenError: a client key names another client.
            ValidationFailedError: there is no such instance or client.
            NotFoundError: the client does not wait there.
            UnavailableError: booking does not answer.
        """
        asked = replace(wanted, client_id=actor.acting_for(wanted.client_id))
        told = await self._telling.of_new(actor.org_id, asked)
        async with self._use.database.connection() as conn:
            entry_id = await entries.find_live(conn, actor, asked)
        if entry_id is None:
            check_named(asked, told)
            raise NotFoundError("the client is not on this waitlist")
        return Waiting(await self.remove(actor, entry_id, None, origin), told)

    async def _rewrite(self, actor: Actor, entry_id: str, origin: Origin, decide: Decide) -> Placed:
        """Let the rules decide on an entry under its lock, and write what came of it, if anything did."""
        async with self._use.units.begin() as unit:
            before = await find(unit.conn, actor, entry_id, lock=True)
            now = self._use.clock()
            after, happening = decide(before.entry, now)
            if after == before.entry:
                return await show(unit.conn, actor, entry_id)
            await check_idle(unit.conn, after)
            if not after.is_live:
                await self._ending.withdraw(unit, after)
            if _asks_for_else(before.entry, after):
                await reopening.reopen_entry(unit.conn, actor.org_id, entry_id)
            return await self._write(unit, happening, after, actor, origin, now=now)

    async def _write(
        self, unit: Unit, happening: Happening, entry: Entry, actor: Actor, origin: Origin, *, now: datetime
    ) -> Placed:
        """Write what happened to an entry, and have its queue matched; answers it with its place."""
        await self._use.recording.write(unit, happening, entry, actor, origin, now=now)
        await self._use.mark(unit.conn, entry.org_id, entry.queue, now)
        return await show(unit.conn, actor, entry.id)


def _asks_for_else(before: Entry, after: Entry) -> bool:
    """Tell whether a changed entry fits other places than before."""
    wanted = ("party_size", "window_start", "window_end")
    return any(getattr(before, name) != getattr(after, name) for name in wanted)


def _settled(actor: Actor, wanted: NewEntry) -> NewEntry:
    if wanted.priority:
        actor.must_be_staff("give a priority", param="priority")
    return replace(wanted, client_id=actor.acting_for(wanted.client_id))


async def _check_room(conn: Connection, entry: Entry, at_most: int | None) -> None:
    """Refuse an entry that was added to a queue, whose lock is held, as one too many."""
    if at_most is not None and await entries.count_live(conn, entry.org_id, entry.queue) > at_most:
        raise WaitlistFullError("as many wait there as may", details={"maxEntries": at_most})
