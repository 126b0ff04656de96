"""What waits of subscriptions that have ended is discarded in steps, however much it is, and nobody waits for it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from chassis.clock import utc_now
from chassis.postgres import Connection, Database
from support.dispatcher import Dispatcher, a_happening, dispatcher, put_backlog, put_deliveries, running, use_cases
from support.endpoints import endpoint
from support.waiting import eventually
from webhook_dispatcher.domain.delivery import DeliveryState
from webhook_dispatcher.domain.errors import StillDiscardingError
from webhook_dispatcher.domain.replay import BoundedCount
from webhook_dispatcher.domain.subscription import State, Subscription
from webhook_dispatcher.service import subscriptions
from webhook_dispatcher.service.discarding import Discarding

MANY = 20_000


async def disable(one: Dispatcher, subscription: Subscription) -> None:
    """Disable a subscription as the API does."""
    await use_cases(one).disable(subscription.org_id, subscription.id, None, request_id="req_1", traceparent=None)


async def pending(database: Database, subscription: Subscription) -> int:
    async with database.connection() as conn:
        return int(
            await conn.fetchval(
                "SELECT count(*) FROM deliveries WHERE subscription_id = $1 AND state = 'pending'", subscription.id
            )
        )


async def ends(conn: Connection, subscription: Subscription) -> list[tuple[object, ...]]:
    rows = await conn.fetch(
        "SELECT state, reason, count(*) FROM deliveries WHERE subscription_id = $1 GROUP BY 1, 2", subscription.id
    )
    return [tuple(row) for row in rows]


async def none_pends(one: Dispatcher, subscription: Subscription) -> None:
    async def none() -> bool:
        return await pending(one.database, subscription) == 0

    await eventually(none, within=60)


async def test_the_end_of_a_subscription_changes_none_of_its_deliveries(db: Database) -> None:
    """All of them are locked, so that whoever changed one would wait."""
    one = dispatcher(db)
    disabled, deleted = [await one.subscribe("https://example.com/") for _ in range(2)]
    for subscription in (disabled, deleted):
        await put_deliveries(db, subscription.id, 3)
    async with db.transaction() as conn, asyncio.timeout(5):
        await conn.execute("SELECT FROM deliveries FOR UPDATE")
        await disable(one, disabled)
        await use_cases(one).delete(deleted.org_id, deleted.id)
    assert await pending(db, disabled) == await pending(db, deleted) == 3
    discarding = Discarding(db)
    assert await discarding.ended() == sorted([disabled.id, deleted.id])
    for subscription in (disabled, deleted):
        assert await discarding.finish(subscription.id, seconds=5)
    async with db.connection() as conn:
        assert await ends(conn, disabled) == [("discarded", "disabled", 3)]
        assert await ends(conn, deleted) == [("discarded", "deleted", 3)]
    assert await discarding.ended() == []


async def test_a_long_backlog_is_discarded_while_others_deliveries_go_on(prepared: str) -> None:
    async with running(prepared, discards_at_once=100) as one, endpoint() as receiver:
        ending, healthy = await one.subscribe("http://127.0.0.1:9/"), await one.subscribe(receiver.url)
        await put_backlog(one.database, ending.id, MANY)
        await disable(one, ending)

        async def has_begun() -> bool:
            return await pending(one.database, ending) < MANY

        await eventually(has_begun)
        for _ in range(5):
            event = a_happening()
            await one.publish(event)
            assert (await one.settled(event, healthy)).state is DeliveryState.DELIVERED
        assert await pending(one.database, ending) > 0
        await none_pends(one, ending)
        async with one.database.connection() as conn:
            assert await ends(conn, ending) == [("discarded", "disabled", MANY + 5)]


async def test_what_was_left_half_done_is_found_and_gone_on_with(prepared: str) -> None:
    async with running(prepared, discards_at_once=50) as one:
        ending = await one.subscribe("http://127.0.0.1:9/")
        await put_backlog(one.database, ending.id, 5_000)
        await use_cases(one).delete(ending.org_id, ending.id)

        async def has_begun() -> bool:
            return await pending(one.database, ending) < 5_000

        await eventually(has_begun)
    async with running(prepared) as another:
        left = await pending(another.database, ending)
        assert left > 0
        await none_pends(another, ending)
        async with another.database.connection() as conn:
            assert await ends(conn, ending) == [("discarded", "deleted", 5_000)]


async def test_what_waits_to_be_discarded_is_not_claimed(prepared: str) -> None:
    async with running(prepared) as one:
        ending = await one.subscribe("http://127.0.0.1:9/", state=State.DISABLED)
        async with one.database.transaction() as conn:
            await conn.execute("SELECT FROM subscriptions FOR UPDATE")
            await put_deliveries(one.database, ending.id, 3, due=utc_now() - timedelta(minutes=1))
            one.worker.reopened()
            await asyncio.sleep(0.5)
            assert await conn.fetchval("SELECT count(*) FROM deliveries WHERE leased_by IS NOT NULL") == 0
            assert await pending(one.database, ending) == 3
        await none_pends(one, ending)


async def test_what_was_pending_is_discarded_before_a_subscription_is_enabled_again(prepared: str) -> None:
    async with endpoint() as receiver:
        async with Database(prepared, pool_size=5, application="tests").opened() as database:
            one = dispatcher(database)
            subscription = await one.subscribe(receiver.url)
            await put_deliveries(database, subscription.id, 7)
            await disable(one, subscription)
            enabled, recoverable = await use_cases(one, discards_at_once=2).enable(
                subscription.org_id, subscription.id, None
            )
            assert (enabled.state, recoverable) == (State.ACTIVE, BoundedCount(7, more=False))
        async with running(prepared) as another:
            event = a_happening()
            await another.publish(event)
            assert (await another.settled(event, subscription)).state is DeliveryState.DELIVERED
    assert len(receiver.requests) == 1


async def test_who_enables_is_asked_to_come_back_while_too_much_is_left(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = dispatcher(db)
    subscription = await one.subscribe("https://example.com/")
    await put_deliveries(db, subscription.id, 3)
    await disable(one, subscription)
    use = use_cases(one, discards_at_once=2)
    with monkeypatch.context() as hurried:
        hurried.setattr(subscriptions, "_PATIENCE_SECONDS", 0.0)
        with pytest.raises(StillDiscardingError):
            await use.enable(subscription.org_id, subscription.id, None)
    assert (await use.get(subscription.org_id, subscription.id)).state is State.DISABLED
    assert await pending(db, subscription) == 1
    assert (await use.enable(subscription.org_id, subscription.id, None))[1] == BoundedCount(3, more=False)


async def test_nothing_of_an_active_subscription_is_discarded(db: Database) -> None:
    one = dispatcher(db)
    subscription = await one.subscribe("https://example.com/")
    await put_deliveries(db, subscription.id, 3)
    discarding = Discarding(db)
    assert await discarding.ended() == []
    assert not await discarding.step(subscription.id)
    async with db.transaction() as conn:
        await one.store.update(conn, subscription, replace(subscription, state=State.DISABLED))
    assert await discarding.ended() == [subscription.id]
    assert await pending(db, subscription) == 3
