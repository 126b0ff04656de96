"""The steps of recoveries and replays: each is one bounded transaction, with the job's progress in it.

Invariants: a step is done once, by the worker that holds the job; deliveries are opened only while the subscription is
active and its backlog is short; an event gets a delivery only after the consumer has taken its record in, for what it
has not yet read reaches every subscription anyway.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

from pydantic_core import from_json

from chassis.clock import Clock
from chassis.kafka import Stretch
from chassis.postgres import Connection, Database
from webhook_dispatcher.domain.arrival import Arrival
from webhook_dispatcher.domain.delivery import Birth
from webhook_dispatcher.domain.ids import delivery_id
from webhook_dispatcher.domain.replay import SAMPLES, Progress, Replay, Sample, wanted_types
from webhook_dispatcher.domain.subscription import Subscription
from webhook_dispatcher.service.retention import Retention
from webhook_dispatcher.store import events, reopening, replays, turns
from webhook_dispatcher.store.subscriptions import SubscriptionStore


class Step(Enum):
    """What follows a step."""

    MORE = auto()
    WAIT = auto()
    OVER = auto()


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast jobs go.

    Attributes:
        batch: how many records or deliveries a step looks at.
        backlog: how many deliveries of the subscription may wait when a step begins.
        lease: how long a worker may be silent before others go on with its job.
    """

    batch: int = 200
    backlog: int = 5_000
    lease: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class _Held:
    """A job that is locked for a step, and its subscription."""

    replay: Replay
    subscription: Subscription


class Replaying:
    """Takes jobs, and does their steps.

    Args:
        database: where everything is.
        store: reads subscriptions.
        retention: makes the days of events that are older than what is kept.
        pace: how fast they go.
        clock: tells when a delivery is due that is opened now.
        reopened: called when deliveries were opened again.
    """

    def __init__(
        self,
        database: Database,
        store: SubscriptionStore,
        retention: Retention,
        pace: Pace,
        *,
        clock: Clock,
        reopened: Callable[[], None],
    ) -> None:
        self._database = database
        self._store = store
        self._retention = retention
        self.pace = pace
        self._clock = clock
        self._reopened = reopened

    async def claim(self, worker: str) -> Replay | None:
        """Take a job that nobody holds."""
        async with self._database.connection() as conn:
            return await replays.claim(conn, worker, self.pace.lease)

    async def release(self, replay_id: str, worker: str, pause: timedelta) -> None:
        """Let a job go, to be taken again after a pause."""
        async with self._database.connection() as conn:
            await replays.release(conn, replay_id, worker, pause)

    async def finish(self, replay_id: str, worker: str, error: str | None = None) -> Step:
        """End a job that is still held, as failed if an error tells why."""
        async with self._database.transaction() as conn:
            if await replays.hold(conn, replay_id, worker) is not None:
                await replays.finish(conn, replay_id, error)
        return Step.OVER

    async def plan(self, replay_id: str, worker: str, stretches: Sequence[Stretch]) -> Step:
        """Note what a replay is to read, and whether the log reaches back far enough."""
        known = [one.earliest for one in stretches if one.earliest is not None]
        earliest = datetime.fromtimestamp(max(known) / 1000, UTC) if known else None
        async with self._database.transaction() as conn:
            if await replays.hold(conn, replay_id, worker) is None:
                return Step.OVER
            await replays.plan(conn, replay_id, stretches, earliest)
        return Step.MORE

    async def stretches(self, replay_id: str) -> list[Stretch]:
        """Tell what a replay has yet to read."""
        async with self._database.connection() as conn:
            return await replays.stretches(conn, replay_id)

    async def recover(self, replay_id: str, worker: str) -> Step:
        """Open the next failed deliveries again."""
        async with self._database.transaction() as conn:
            held = await self._hold(conn, replay_id, worker)
            if isinstance(held, Step):
                return held
            one = held.replay
            done = await reopening.recover(
                conn,
                one.subscription_id,
                one.position,
                one.order.since,
                one.order.until,
                at_most=self.pace.batch,
                now=self._clock(),
            )
            if done.last is None:
                await replays.finish(conn, one.id)
                return Step.OVER
            step = Progress(read=done.looked_at, matched=done.reopened, reopened=done.reopened)
            await replays.progress(conn, one, step, self.pace.lease, position=done.last)
        self._reopened()
        return Step.MORE

    async def replay(
        self, replay: Replay, worker: str, stretch: Stretch, batch: Sequence[Arrival], behind: int
    ) -> Step:
        """Take the next records of a stretch: open what they match again, or only count it.

        Args:
            replay: the job.
            worker: who holds it.
            stretch: where the records are from.
            batch: those that can be read.
            behind: where the stretch goes on behind them.
        """
        if not replay.order.dry_run:
            await self._retention.ensure({one.day for one in batch if one.org_id == replay.org_id})
        async with self._database.transaction() as conn:
            held = await self._hold(conn, replay.id, worker)
            if isinstance(held, Step):
                return held
            step = await self._take(conn, held, batch)
            await replays.advance(conn, replay.id, stretch, behind)
            await replays.progress(conn, held.replay, step, self.pace.lease)
        if step.reopened or step.created:
            self._reopened()
        return Step.MORE

    async def _hold(self, conn: Connection, replay_id: str, worker: str) -> _Held | Step:
        """Begin a step, unless the job is over or has to wait."""
        replay = await replays.hold(conn, replay_id, worker)
        if replay is None:
            return Step.OVER
        sends = not replay.order.dry_run
        subscription = await self._store.fetch(conn, replay.org_id, replay.subscription_id, lock=sends)
        if subscription is None or (sends and not subscription.is_active):
            told = "deleted" if subscription is None else "disabled"
            await replays.finish(conn, replay_id, f"the subscription was {told}")
            return Step.OVER
        if sends and await self._is_behind(conn, replay.subscription_id):
            return Step.WAIT
        return _Held(replay, subscription)

    async def _is_behind(self, conn: Connection, subscription_id: str) -> bool:
        backlog = self.pace.backlog
        return await reopening.count_waiting(conn, subscription_id, at_most=backlog) >= backlog

    async def _take(self, conn: Connection, held: _Held, batch: Sequence[Arrival]) -> Progress:
        order, subscription = held.replay.order, held.subscription
        types = wanted_types(order, subscription.events)
        mine = list({one.event_id: one for one in batch if one.org_id == subscription.org_id}.values())
        found = [one for one in mine if one.type in types and one.resource_id != subscription.id]
        counts = Counter(one.type for one in found)
        if order.dry_run:
            return Progress(len(batch), len(found), types=counts, samples=[_sample(one) for one in found[:SAMPLES]])
        if subscription.keeps_order:
            await turns.lock(conn, [subscription.id])
        # All of them, wanted or not: a resource's events that are kept have no gap in their sequence.
        await events.restore(conn, mine)
        reopened, created = await self._send_again(conn, subscription, found)
        return Progress(len(batch), len(found), reopened, created, counts)

    async def _send_again(
        self, conn: Connection, subscription: Subscription, found: Sequence[Arrival]
    ) -> tuple[int, int]:
        births = [
            Birth(delivery_id(one.event_id, subscription.id), one.event_id, subscription.id, one.org_id, one.type)
            for one in found
        ]
        done = await reopening.send_again(conn, births, self._clock())
        await events.match(conn, [one for one in found if one.event_id in done.created])
        return done.reopened, len(done.created)


def _sample(one: Arrival) -> Sample:
    return Sample(one.event_id, one.type, one.resource_id, from_json(one.record)["time"])
