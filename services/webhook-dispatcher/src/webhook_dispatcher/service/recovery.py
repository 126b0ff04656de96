"""Use cases that send again: one delivery, all that failed, or a range of the log.

Invariants: nothing is opened for a subscription that is sent nothing; only the caller's organization's deliveries and
jobs are seen; a job is only written here, and done by `service.replaying`.
"""

from collections.abc import Callable
from dataclasses import replace

from chassis.clock import Clock
from chassis.idempotency import Once
from chassis.postgres import Connection, Database
from chassis.unit import UnitOfWork
from webhook_dispatcher.domain.delivery import DeliveryState
from webhook_dispatcher.domain.errors import (
    EventGoneError,
    InvalidCursorError,
    NotFoundError,
    ReplayRunningError,
    SubscriptionDeletedError,
    SubscriptionDisabledError,
)
from webhook_dispatcher.domain.reading import Cut, DeliveryRecord, Page
from webhook_dispatcher.domain.replay import Replay, ReplayKind, ReplayOrder, check_replay
from webhook_dispatcher.domain.subscription import Subscription
from webhook_dispatcher.store import deliveries, reopening, replays
from webhook_dispatcher.store.subscriptions import SubscriptionStore


class Recovery:
    """Opens deliveries again, and starts jobs that do.

    Args:
        units: begins transactions.
        database: where everything is.
        store: reads subscriptions.
        clock: tells when a delivery is due that is opened now.
        new_id: makes an id with a prefix.
        reopened: called when deliveries were opened again.
        started: called when a job was written.
    """

    def __init__(
        self,
        units: UnitOfWork,
        database: Database,
        store: SubscriptionStore,
        *,
        clock: Clock,
        new_id: Callable[[str], str],
        reopened: Callable[[], None],
        started: Callable[[], None],
    ) -> None:
        self._units = units
        self._database = database
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._reopened = reopened
        self._started = started

    async def resend(self, org_id: str, delivery_id: str, once: Once | None) -> DeliveryRecord:
        """Open a delivery again, whatever became of it, to be tried now.

        One that a worker holds at this moment is being tried, and stays as it is; so does one that awaits its turn.

        Raises:
            NotFoundError: the organization has no such delivery.
            SubscriptionDisabledError, SubscriptionDeletedError: its subscription is sent nothing.
            EventGoneError: its event is not kept any more.
        """
        async with self._units.begin(once) as unit:
            found = await self._delivery(unit.conn, org_id, delivery_id)
            subscription = await self._store.fetch(unit.conn, org_id, found.subscription_id, lock=True)
            if subscription is None:
                raise SubscriptionDeletedError("the delivery's subscription was deleted, so nothing is sent to it")
            _check_active(subscription)
            await deliveries.lock(unit.conn, delivery_id)
            opened = await reopening.resend(unit.conn, delivery_id, self._clock())
            found = await self._delivery(unit.conn, org_id, delivery_id)
            if not opened and found.state is not DeliveryState.PENDING:
                raise EventGoneError("the delivery's event is not kept any more")
            unit.answer(found)
        self._reopened()
        return found

    async def start(self, org_id: str, subscription_id: str, order: ReplayOrder, once: Once | None) -> Replay:
        """Write a job, which begins soon.

        Raises:
            NotFoundError: the organization has no such subscription.
            SubscriptionDisabledError: the subscription is sent nothing, and it is no dry run.
            ValidationFailedError: what is asked for breaks a rule.
            ReplayRunningError: one of this kind runs already.
        """
        async with self._units.begin(once) as unit:
            subscription = await self._subscription(unit.conn, org_id, subscription_id)
            now = await replays.now(unit.conn)
            order = check_replay(replace(order, until=min(order.until, now)), subscription.events, now)
            if not order.dry_run:
                _check_active(subscription)
            expected = await _expected(unit.conn, subscription_id, order)
            made = await replays.insert(
                unit.conn, self._new_id("rpl"), order, expected, org_id=org_id, subscription_id=subscription_id
            )
            if made is None:
                raise ReplayRunningError(f"a {order.kind} runs for this subscription already; wait for its end")
            unit.answer(made)
        self._started()
        return made

    async def get(self, org_id: str, replay_id: str) -> Replay:
        """Read a job.

        Raises:
            NotFoundError: the organization has none with this id.
        """
        async with self._database.connection() as conn:
            return await self._replay(conn, org_id, replay_id)

    async def cancel(self, org_id: str, replay_id: str, once: Once | None) -> Replay:
        """End a job that runs, behind the step that is under way; one that has ended stays as it is.

        Raises:
            NotFoundError: the organization has none with this id.
        """
        async with self._units.begin(once) as unit:
            await replays.cancel(unit.conn, org_id, replay_id)
            found = await self._replay(unit.conn, org_id, replay_id)
            unit.answer(found)
        return found

    async def page(self, org_id: str, subscription_id: str, cut: Cut) -> Page[Replay]:
        """Read a page of a subscription's jobs, the newest first.

        Raises:
            NotFoundError: the organization has no such subscription.
            InvalidCursorError: the page would begin behind a job that is not the subscription's.
        """
        async with self._database.connection() as conn:
            await self._subscription(conn, org_id, subscription_id)
            if cut.starting_after is not None:
                cursor = await replays.fetch(conn, org_id, cut.starting_after)
                if cursor is None or cursor.subscription_id != subscription_id:
                    raise InvalidCursorError("the cursor names no replay of this subscription", param="starting_after")
            return await replays.page(conn, subscription_id, cut)

    async def _delivery(self, conn: Connection, org_id: str, delivery_id: str) -> DeliveryRecord:
        found = await deliveries.fetch(conn, org_id, delivery_id)
        if found is None:
            raise NotFoundError("there is no such delivery")
        return found

    async def _replay(self, conn: Connection, org_id: str, replay_id: str) -> Replay:
        found = await replays.fetch(conn, org_id, replay_id)
        if found is None:
            raise NotFoundError("there is no such replay")
        return found

    async def _subscription(self, conn: Connection, org_id: str, subscription_id: str) -> Subscription:
        found = await self._store.fetch(conn, org_id, subscription_id)
        if found is None:
            raise NotFoundError("there is no such subscription")
        return found


def _check_active(subscription: Subscription) -> None:
    if not subscription.is_active:
        raise SubscriptionDisabledError("the subscription is disabled, so nothing is sent to it; enable it first")


async def _expected(conn: Connection, subscription_id: str, order: ReplayOrder) -> int | None:
    """Count what a recovery is to open; what a replay finds is known when it has read the log."""
    if order.kind is not ReplayKind.RECOVER:
        return None
    return await reopening.count_failed(conn, subscription_id, order.since, order.until, at_most=replays.COUNTED + 1)
