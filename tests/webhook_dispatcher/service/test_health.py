"""What is counted of an endpoint while its subscription is deleted: neither waits for ever, and nothing is left."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from chassis.clock import utc_now
from chassis.postgres import Connection, Database
from chassis.unit import UnitOfWork
from support.dispatcher import Dispatcher, dispatcher, waits_for_a_lock
from support.waiting import eventually
from webhook_dispatcher.domain.health import Standing, Tally, minute_of
from webhook_dispatcher.domain.subscription import Subscription
from webhook_dispatcher.service.health import EndpointHealth
from webhook_dispatcher.store import health
from webhook_dispatcher.store.health import CountedMinute, CountedStanding

FIVE_DAYS = timedelta(days=5)


async def counted(one: Dispatcher, to: Subscription, position: int, failed_for: timedelta) -> None:
    """Keep what the stream counted: an endpoint that has done nothing but fail for so long."""
    now = utc_now()
    use_case = EndpointHealth(UnitOfWork(one.database, lambda: None), one.database, one.store, utc_now, FIVE_DAYS)
    standing = Standing(to.active_since, now - failed_for, 7, None, now)
    await use_case.keep(
        [CountedMinute(to.id, minute_of(now), position, Tally(0, {1: 1}))], [CountedStanding(to.id, position, standing)]
    )


@asynccontextmanager
async def deleting(one: Dispatcher, to: Subscription) -> AsyncIterator[Connection]:
    """A deletion that has changed the subscription, and that ends with the block."""
    async with one.database.transaction() as conn:
        before = await one.store.fetch(conn, to.org_id, to.id, lock=True)
        assert before is not None
        await one.store.delete(conn, before)
        yield conn


async def left(db: Database) -> list[int]:
    async with db.connection() as conn:
        tables = ("endpoint_minutes", "endpoint_health")
        return [await conn.fetchval(f"SELECT count(*) FROM {table}") for table in tables]


@pytest.mark.parametrize("failed_for", [timedelta(hours=1), FIVE_DAYS], ids=["failing", "to be disabled"])
async def test_what_is_counted_during_a_deletion_is_not_written_behind_it(db: Database, failed_for: timedelta) -> None:
    one = dispatcher(db)
    to = await one.subscribe("https://example.com/")
    await counted(one, to, 1, timedelta(0))
    assert await left(db) == [1, 1]
    async with deleting(one, to) as conn:
        await health.forget(conn, to.id)
        keeping = asyncio.create_task(counted(one, to, 2, failed_for))

        async def waits_or_is_done() -> bool:
            return keeping.done() or await waits_for_a_lock(db, "subscriptions")

        await eventually(waits_or_is_done)
    await keeping
    assert await left(db) == [0, 0]


async def test_a_deletion_and_the_end_of_a_failing_endpoint_do_not_wait_for_each_other(db: Database) -> None:
    """Both lock the subscription first, so whoever comes second has written nothing that the first one wants."""
    one = dispatcher(db)
    to = await one.subscribe("https://example.com/")
    await counted(one, to, 1, timedelta(0))
    async with deleting(one, to) as conn:
        keeping = asyncio.create_task(counted(one, to, 2, FIVE_DAYS))

        async def waits() -> bool:
            return await waits_for_a_lock(db, "subscriptions")

        await eventually(waits)
        await health.forget(conn, to.id)
    await keeping
    assert await left(db) == [0, 0]


async def test_several_failing_endpoints_are_kept_at_once_by_several_members(db: Database) -> None:
    one = dispatcher(db)
    many = [await one.subscribe("https://example.com/") for _ in range(6)]
    for position in range(1, 4):
        await asyncio.gather(
            *(counted(one, to, position, failed_for) for to in many for failed_for in (timedelta(0), FIVE_DAYS))
        )
    async with db.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM subscriptions WHERE state = 'disabled'") == len(many)
