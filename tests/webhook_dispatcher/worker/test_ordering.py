"""The order of a resource's events, kept over failures, crashes and other workers, at no cost to other resources."""

import asyncio
import json
import random
import signal
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from aiohttp import web

from chassis.clock import utc_now
from chassis.ids import new_id
from chassis.postgres import Database
from slotwire_contracts import ReservationEvent
from support.dispatcher import LIMITS, ORG, Dispatcher, a_happening, running, waits_for_a_lock
from support.dispatcher import dispatcher as dispatcher_on
from support.programs import running_program
from support.reservations import a_reservation
from support.serving import serving
from support.waiting import eventually
from webhook_dispatcher.domain.delivery import Birth, DeliveryState, DiscardReason
from webhook_dispatcher.domain.ids import delivery_id
from webhook_dispatcher.domain.subscription import Ordering, State, Subscription
from webhook_dispatcher.store import reopening, turns

TESTS = Path(__file__).parents[2]
QUICK = replace(LIMITS, timeout=0.5, margin=0.6)
OFTEN = (0.02,) * 40
PROGRAM = """
import asyncio, sys
sys.path.insert(0, sys.argv[2])
from support.dispatcher import running, LIMITS
from dataclasses import replace

async def main():
    async with running(sys.argv[1], replace(LIMITS, timeout=0.5, margin=0.6)):
        await asyncio.sleep(60)

asyncio.run(main())
"""


def happenings(resource_id: str, count: int, first: int = 1) -> list[ReservationEvent]:
    """Events of one resource, in their order."""
    resource = a_reservation(id=resource_id)
    return [a_happening(resource=resource, sequence=first + place) for place in range(count)]


@dataclass
class Witness:
    """An endpoint that notes, by resource, what it accepted, and every breach of the order as it happens.

    `failing` tells the share of requests that are refused, `hopeless` the events that are refused always.
    """

    failing: float = 0.0
    hopeless: set[str] = field(default_factory=set)
    seconds: float = 0.0
    url: str = ""
    accepted: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    came: Counter[str] = field(default_factory=Counter)
    under_way: Counter[str] = field(default_factory=Counter)
    most_at_once: int = 0
    breaches: list[str] = field(default_factory=list)
    dice: random.Random = field(default_factory=lambda: random.Random(5))

    async def take(self, request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        resource_id, event_id = body["resourceId"], body["eventId"]
        self.came[event_id] += 1
        if self.under_way[resource_id]:
            self.breaches.append(f"two of {resource_id} at once")
        self.under_way[resource_id] += 1
        self.most_at_once = max(self.most_at_once, self.under_way.total())
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.under_way[resource_id] -= 1
        if event_id in self.hopeless or self.dice.random() < self.failing:
            return web.Response(status=500)
        if event_id not in self.accepted[resource_id]:
            self.accepted[resource_id].append(event_id)
        return web.Response(status=204)


@asynccontextmanager
async def witness(**told: object) -> AsyncIterator[Witness]:
    one = Witness(**told)  # type: ignore[arg-type]
    async with serving("/hook", one.take) as origin:
        one.url = f"{origin}/hook"
        yield one


async def ordered(one: Dispatcher, to: Witness, retry: Sequence[float] = OFTEN) -> Subscription:
    return await one.subscribe(to.url, ordering=Ordering.RESOURCE, retry=retry)


async def states(database: Database) -> dict[str, int]:
    async with database.connection() as conn:
        rows = await conn.fetch("SELECT state, count(*) AS number FROM deliveries GROUP BY state")
    return {row["state"]: row["number"] for row in rows}


async def all_ended(one: Dispatcher, within: float = 20) -> None:
    """Wait until nothing is pending; then no turn is left either."""

    async def none_is_pending() -> bool:
        return "pending" not in await states(one.database)

    await eventually(none_is_pending, within=within)
    async with one.database.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM turns") == 0


def shuffled(lines: Sequence[Sequence[ReservationEvent]]) -> list[ReservationEvent]:
    """Mix events as they lie on the topics: each resource's in their order."""
    dice = random.Random(3)
    left = [list(line) for line in lines]
    mixed = []
    while any(left):
        mixed.append(dice.choice([line for line in left if line]).pop(0))
    return mixed


async def test_events_of_one_resource_arrive_in_order_one_at_a_time_over_failures(prepared: str) -> None:
    """Webhook rules: «`resource`: events of one resource arrive in order, one at a time»

    Two workers, a third of all attempts refused; other resources go on meanwhile.
    """
    async with (
        witness(failing=0.33, seconds=0.005) as receiver,
        running(prepared) as one,
        running(prepared) as other,
    ):
        await ordered(one, receiver)
        lines = [happenings(new_id("bk"), 6) for _ in range(15)]
        mixed = shuffled(lines)
        for place in range(0, len(mixed), 9):
            await (one, other)[place % 2].publish(*mixed[place : place + 9])
        await all_ended(one)
    assert receiver.breaches == []
    assert receiver.accepted == {line[0].subject: [event.id for event in line] for line in lines}
    assert receiver.most_at_once > 1


async def test_a_failing_one_holds_back_only_its_own_resources_later_events(dispatcher: Dispatcher) -> None:
    """Webhook rules: «a failing one holds back only its own resource's later events»"""
    async with witness() as receiver:
        subscription = await ordered(dispatcher, receiver, [3_600])
        stuck, fine = happenings("bk_stuck", 3), happenings("bk_fine", 3)
        receiver.hopeless.add(stuck[0].id)
        await dispatcher.publish(*shuffled([stuck, fine]))
        await dispatcher.settled(fine[-1], subscription)
        await dispatcher.tried(stuck[0], subscription)
        await dispatcher.publish(*happenings("bk_fine", 1, first=4), *happenings("bk_stuck", 1, first=4))

        async def fourth_came() -> bool:
            return len(receiver.accepted["bk_fine"]) == 4

        await eventually(fourth_came)
        waiting = await dispatcher.delivery(stuck[1], subscription)
        assert (waiting.state, waiting.awaits_turn, waiting.attempts) == (DeliveryState.PENDING, True, 0)
    assert set(receiver.came) & {event.id for event in stuck} == {stuck[0].id}


async def test_without_order_nothing_waits_for_a_failing_one(dispatcher: Dispatcher) -> None:
    """Webhook rules: «Ordering, per subscription: `none` (default, fastest)»"""
    async with witness() as receiver:
        subscription = await dispatcher.subscribe(receiver.url, retry=[3_600])
        events = happenings("bk_1", 3)
        receiver.hopeless.add(events[0].id)
        await dispatcher.publish(*events)
        for event in events[1:]:
            assert (await dispatcher.settled(event, subscription)).state is DeliveryState.DELIVERED
        assert (await dispatcher.delivery(events[0], subscription)).awaits_turn is None


async def test_when_one_is_exhausted_the_next_goes_on(dispatcher: Dispatcher) -> None:
    async with witness() as receiver:
        subscription = await ordered(dispatcher, receiver, [0.02])
        events = happenings("bk_1", 3)
        receiver.hopeless.add(events[0].id)
        await dispatcher.publish(*events)
        ended = [(await dispatcher.settled(event, subscription)).state for event in events]
    assert ended == [DeliveryState.EXHAUSTED, DeliveryState.DELIVERED, DeliveryState.DELIVERED]
    assert receiver.accepted["bk_1"] == [event.id for event in events[1:]]


async def test_none_is_left_behind_however_ends_and_arrivals_meet(prepared: str) -> None:
    """One event after the other, so that the end of each races with the coming of the next."""
    async with witness() as receiver, running(prepared) as one, running(prepared) as other:
        await ordered(one, receiver)
        lines = [happenings(new_id("bk"), 40) for _ in range(4)]

        async def publish(line: Sequence[ReservationEvent]) -> None:
            for place, event in enumerate(line):
                await (one, other)[place % 2].publish(event)

        await asyncio.gather(*map(publish, lines))
        await all_ended(one)
    assert receiver.breaches == []
    assert receiver.accepted == {line[0].subject: [event.id for event in line] for line in lines}


async def test_the_order_outlives_a_worker_that_is_killed(db: Database, prepared: str, tmp_path: Path) -> None:
    async with witness(failing=0.2, seconds=0.03) as receiver:
        lines = [happenings(new_id("bk"), 15) for _ in range(8)]
        idle = dispatcher_on(db)  # takes in, and sends nothing itself
        await ordered(idle, receiver, (0.1,) * 40)
        await idle.publish(*shuffled(lines))
        async with running_program(PROGRAM, prepared, str(TESTS), folder=tmp_path) as process:

            async def well_begun() -> bool:
                return len(receiver.came) > len(lines)

            await eventually(well_begun)
            process.send_signal(signal.SIGKILL)
            await process.wait()
        assert "pending" in await states(db)
        async with running(prepared, QUICK) as heir:
            await all_ended(heir)
    assert receiver.accepted == {line[0].subject: [event.id for event in line] for line in lines}


@pytest.mark.parametrize("reason", DiscardReason)
async def test_what_awaits_its_turn_ends_with_its_subscription(prepared: str, reason: DiscardReason) -> None:
    """In steps of one, so that some of a resource's are gone while others await their turn."""
    async with witness() as receiver, running(prepared, discards_at_once=1) as one:
        subscription = await ordered(one, receiver, [3_600])
        events = happenings("bk_1", 5)
        receiver.hopeless.add(events[0].id)
        await one.publish(*events)
        await one.tried(events[0], subscription)
        async with one.database.transaction() as conn:
            await one.end(conn, subscription, State(reason))
        await all_ended(one)
        found = [await one.delivery(event, subscription) for event in events]
    assert {(each.state, each.reason) for each in found} == {(DeliveryState.DISCARDED, reason)}
    assert sum(receiver.came.values()) == 1


async def test_what_is_sent_again_comes_in_order_too(dispatcher: Dispatcher) -> None:
    """Of five the first two were before the subscription, which has no deliveries of them; the others have failed."""
    async with witness() as receiver:
        events = happenings("bk_1", 5)
        await dispatcher.publish(*events[:2])
        subscription = await ordered(dispatcher, receiver, [])
        receiver.hopeless.update(event.id for event in events)
        await dispatcher.publish(*events[2:])
        await all_ended(dispatcher)
        receiver.hopeless.clear()
        births = [
            Birth(delivery_id(event.id, subscription.id), event.id, subscription.id, event.orgid, event.type)
            for event in reversed(events)
        ]
        async with dispatcher.database.transaction() as conn:
            assert (await reopening.send_again(conn, births, utc_now())).reopened == 3
        dispatcher.worker.reopened()
        await all_ended(dispatcher)
    assert receiver.accepted["bk_1"] == [event.id for event in events]
    assert receiver.breaches == []


async def test_one_that_awaits_its_turn_is_not_resent_out_of_it(dispatcher: Dispatcher) -> None:
    async with witness() as receiver:
        subscription = await ordered(dispatcher, receiver, [3_600])
        events = happenings("bk_1", 2)
        receiver.hopeless.add(events[0].id)
        await dispatcher.publish(*events)
        await dispatcher.tried(events[0], subscription)
        first, second = [await dispatcher.delivery(event, subscription) for event in events]
        async with dispatcher.database.transaction() as conn:
            assert not await reopening.resend(conn, second.id, utc_now())
        receiver.hopeless.clear()
        async with dispatcher.database.transaction() as conn:
            assert await reopening.resend(conn, first.id, utc_now())
        dispatcher.worker.reopened()
        await all_ended(dispatcher)
    assert receiver.accepted["bk_1"] == [event.id for event in events]


async def test_an_ingest_waits_for_turns_before_it_counts(dispatcher: Dispatcher) -> None:
    """A replay holds both, in this order too; else each would wait for the other."""
    async with witness() as receiver:
        await ordered(dispatcher, receiver)
        first, second = happenings("bk_1", 2)
        await dispatcher.publish(first)
        async with dispatcher.database.transaction() as conn:
            await turns.lock(conn, [one.id for one in dispatcher.directory.wanting(ORG, first.type)])
            publishing = asyncio.create_task(dispatcher.publish(second))
            await eventually(lambda: waits_for_a_lock(dispatcher.database, "pg_advisory_xact_lock"))
            assert await conn.fetch("SELECT FROM tallies FOR UPDATE NOWAIT")
        await publishing
        await all_ended(dispatcher)
