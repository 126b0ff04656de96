"""Requests to the booking service's use cases, some of them at once, each answer compared with the model's.

Invariant: whatever was asked at once, there is an order in which the model gives the same answers and leaves what the
database holds.
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from typing import Any, assert_never

import pytest

from booking.domain.actors import Actor
from booking.domain.booking import Booking
from booking.domain.change import Change
from booking.domain.creation import Attendee, NewBooking
from booking.domain.errors import BookingError
from booking.domain.holds import Hold
from booking.domain.status import Status
from booking.service.instances import EventInstances
from booking.service.snapshots import hold_snapshot, snapshot
from chassis.crypto import Sealer
from chassis.idempotency import AnsweredBeforeError, IdempotencyInProgressError, Once, scope_of
from support.booking_commands import (
    STAFF,
    CancelInstance,
    ChangeAll,
    ChangeBooking,
    Command,
    CreateBooking,
    CreateHold,
    MoveInstance,
    ReleaseHold,
    Request,
)
from support.booking_desk import ORIGIN, Desk
from support.booking_model import INSTANCE, OK, Seen, World
from support.booking_witness import Witness

_SEALER = Sealer(bytes(32))
_MINUTE = timedelta(minutes=1)
Answered = tuple[Command, str]


@dataclass
class Play:
    """One organization's requests, and the model of it.

    Attributes:
        places: how each place is named in a request.
        ids: the real ids of what the model names by its keys.
        kept: requests that were answered under an idempotency key, with the answers.
    """

    desk: Desk
    instances: EventInstances
    places: Mapping[str, Mapping[str, str]]
    world: World
    witness: Witness
    ids: dict[str, str]
    kept: list[tuple[CreateBooking | CreateHold, bytes]] = field(default_factory=list)

    async def together(self, *requests: Request, twins: int = 1) -> None:
        """Ask for several things at once, for new ones `twins` times under one key, and find the order it went."""
        now, before = self.desk.now, self.world
        answers = await asyncio.gather(*(self._ask(request, twins) for request in requests))
        answered = list(chain.from_iterable(answers))
        seen = await self.witness.look(self.ids, now)
        found = self._explained(before, answered, seen)
        assert found is not None, f"no order explains {answered}: {self._difference(before, answered, seen)}"
        self.world = found

    async def repeat(self, number: int) -> None:
        """Repeat a request that was answered: the answer is the same, and nothing happens."""
        request, body = self.kept[number]
        with pytest.raises(AnsweredBeforeError) as before:
            await self._make(request, self._once(request))
        assert before.value.body == body
        await self._as_the_model_says()

    async def sweep(self) -> None:
        """Sweep up what has expired."""
        while await self.desk.holds.sweep_once():
            pass
        self.world = self.world.swept(self.desk.now)
        await self._as_the_model_says()

    async def complete(self) -> None:
        """Complete what is due."""
        while await self.desk.completion.complete_due():
            pass
        self.world = self.world.completed(self.desk.now)
        await self._as_the_model_says()

    def wait(self, minutes: int) -> None:
        """Let time pass."""
        self.desk.now += minutes * _MINUTE

    async def _as_the_model_says(self) -> None:
        assert await self.witness.look(self.ids, self.desk.now) == self.world.seen(self.desk.now)

    def _explained(self, world: World, left: Sequence[Answered], seen: Seen) -> World | None:
        """Find an order of what was asked, and choices, that lead from a world to what is seen."""
        if not left:
            return world if world.seen(self.desk.now) == seen else None
        for number, (command, given) in enumerate(left):
            for answer, after in world.after(command, self.desk.now):
                if answer == given:
                    found = self._explained(after, [*left[:number], *left[number + 1 :]], seen)
                    if found is not None:
                        return found
        return None

    def _difference(self, world: World, answered: Sequence[Answered], seen: Seen) -> str:
        """Tell what the model says of one order, the one given, for whoever reads a failure."""
        for command, given in answered:
            possible = list(world.after(command, self.desk.now))
            same = [after for answer, after in possible if answer == given]
            if not same:
                return f"{command} may be answered {sorted({answer for answer, _ in possible})}"
            world = same[0]
        return f"the database has {seen}, the model {world.seen(self.desk.now)}"

    async def _ask(self, request: Request, twins: int) -> list[Answered]:
        """Ask, and answer what each try that was decided was told."""
        match request:
            case CreateBooking() | CreateHold():
                return await self._make_twins(request, twins)
            case ChangeAll(changes):
                return await self._change_all(changes)
            case ChangeBooking() | ReleaseHold() | MoveInstance() | CancelInstance():
                return [(request, await self._act(request))]
            case unknown:
                assert_never(unknown)

    async def _act(self, asked: ChangeBooking | ReleaseHold | MoveInstance | CancelInstance) -> str:
        """Ask for something that is to happen to what is there."""
        act: Coroutine[Any, Any, object]
        match asked:
            case ChangeBooking(booking, who):
                act = self.desk.bookings.change(self._actor(who), self.ids[booking], self._change(asked), ORIGIN)
            case ReleaseHold(hold, who):
                act = self.desk.holds.release(self._actor(who), self.ids[hold], ORIGIN)
            case MoveInstance(start):
                times = {"start_time": start, "end_time": start + self.world.instance.length}
                act = self.instances.change(self.desk.actor, self.ids[INSTANCE], times, ORIGIN)
            case CancelInstance():
                act = self.instances.cancel(self.desk.actor, self.ids[INSTANCE], None, ORIGIN, None)
            case unknown:
                assert_never(unknown)
        try:
            await act
        except BookingError as refused:
            return refused.code
        return OK

    async def _make_twins(self, request: CreateBooking | CreateHold, twins: int) -> list[Answered]:
        once = self._once(request) if twins > 1 else None
        tries = await asyncio.gather(*(self._make(request, once) for _ in range(twins)), return_exceptions=True)
        answered: list[Answered] = []
        for result in tries:
            match result:
                case Booking() | Hold():
                    self.ids[request.key] = result.id
                    answered.append((request, OK))
                    if once is not None:
                        self.kept.append((request, _rendered(result)))
                case BookingError():
                    answered.append((request, result.code))
                case AnsweredBeforeError() | IdempotencyInProgressError() if once is not None:
                    pass
                case BaseException():
                    raise result
        return answered

    async def _make(self, request: CreateBooking | CreateHold, once: Once | None) -> Booking | Hold:
        actor, visit = self._actor(request.who), self._visit(request)
        if isinstance(request, CreateHold):
            return await self.desk.holds.create(actor, visit, request.minutes, once)
        new = NewBooking(
            visit=visit,
            hold_id=None if request.hold is None else self.ids[request.hold],
            attendee=Attendee("Ada", request.email),
            seated=request.seated,
        )
        return await self.desk.bookings.create(actor, new, ORIGIN, once)

    def _visit(self, asked: CreateBooking | CreateHold) -> dict[str, Any]:
        where, visit = self.places[asked.where], dict[str, Any]()
        if isinstance(asked, CreateBooking):
            visit |= {} if asked.tables is None else {"table_ids": self._table_ids(asked.tables)}
            visit |= {"override_availability": True} if asked.override else {}
            if asked.hold is not None:
                held = self.world.holds.get(asked.hold)
                longer = asked.longer if held and not held.where.is_instance else timedelta()
                return visit | ({"end_time": held.end + longer} if held and longer else {})
        visit |= {**where, "party_size": asked.party}
        return visit if asked.where == "class" else visit | {"start_time": asked.start, "end_time": asked.end}

    def _change(self, asked: ChangeBooking) -> Change:
        wanted = {"start_time": asked.start, "end_time": asked.end, "party_size": asked.party}
        return Change(
            details={name: value for name, value in wanted.items() if value is not None},
            table_ids=None if asked.tables is None else self._table_ids(asked.tables),
            status=None if asked.status is None else Status(asked.status),
            correction=asked.correction,
            override_availability=asked.override,
            if_version=asked.version,
        )

    async def _change_all(self, changes: Sequence[ChangeBooking]) -> list[Answered]:
        ids = [self.ids[change.booking] for change in changes]
        act = self.desk.bookings.change_all(self._actor(changes[0].who), ids, self._change(changes[0]), ORIGIN, None)
        try:
            outcomes = await act
        except BookingError as refused:
            return [(change, refused.code) for change in changes]
        return [
            (change, outcome.refused.code if outcome.refused else OK)
            for change, outcome in zip(changes, outcomes, strict=True)
        ]

    def _actor(self, who: str) -> Actor:
        return self.desk.actor if who == STAFF else Actor(self.desk.actor.org_id, "client", who)

    def _table_ids(self, numbers: frozenset[int]) -> tuple[str, ...]:
        return tuple(self.witness.table_ids[number] for number in sorted(numbers))

    def _once(self, request: CreateBooking | CreateHold) -> Once:
        return Once(scope_of(self.desk.actor.org_id, request.key), repr(request).encode(), 201, _rendered, _SEALER)


def _rendered(made: Booking | Hold) -> bytes:
    shown = snapshot(made) if isinstance(made, Booking) else hold_snapshot(made)
    return shown.model_dump_json().encode()
