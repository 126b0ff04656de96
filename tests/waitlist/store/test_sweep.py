"""The sweep: every queue in which somebody waits comes round, some at a time, whoever sweeps."""

import asyncio
from datetime import timedelta

import pytest

from chassis.postgres import Database
from support.waiting_entries import an_org, marked, marks, put, waits
from support.waitlist_values import DAY
from waitlist.domain.status import Status
from waitlist.store import queues, sweep

MINUTE = timedelta(minutes=1)


async def step(database: Database, at_most: int = 2, every: timedelta = MINUTE) -> bool:
    async with database.transaction() as conn:
        return await sweep.step(conn, at_most, every)


async def test_every_queue_with_a_live_entry_is_marked_once_a_round(alone: Database) -> None:
    org, other = sorted([an_org(), an_org()])
    some = [waits(org, day=DAY + timedelta(days=days)) for days in (0, 0, 0, 1, 2)]
    others = [waits(other), waits(other, instance_id="ins_1", status=Status.NOTIFIED)]
    gone = [waits(org, location_id="loc_9", status=status) for status in (Status.CONVERTED, Status.EXPIRED)]
    await put(alone, *some, *others, *gone)
    assert await step(alone)
    assert await marked(alone, org) == {entry.queue for entry in some[:4]}
    assert await step(alone)
    assert await step(alone)
    assert await marked(alone, org) == {entry.queue for entry in some}
    assert await marked(alone, other) == {entry.queue for entry in others}
    assert not await step(alone)
    # Each for some time before the next round, not all at once.
    times = [mark.in_seconds for one in (org, other) for mark in await marks(alone, one)]
    assert all(-30 < seconds <= 60 for seconds in times)
    assert len(set(times)) == len(times)


async def test_the_next_round_begins_when_its_time_has_come(alone: Database) -> None:
    org, every = an_org(), timedelta(milliseconds=300)
    await put(alone, waits(org))
    assert await step(alone, every=every)
    assert not await step(alone, every=every)
    async with alone.connection() as conn:
        await conn.execute("TRUNCATE queues")
    assert not await step(alone, every=every)
    assert await marked(alone, org) == set()
    await asyncio.sleep(0.4)
    assert await step(alone, every=every)
    assert len(await marked(alone, org)) == 1


async def test_what_is_marked_or_looked_at_stays_as_it_is(alone: Database) -> None:
    org = an_org()
    due, held = waits(org), waits(org, instance_id="ins_1")
    await put(alone, due, held)
    async with alone.connection() as conn:
        await queues.mark(conn, org, held.queue)
        (taken,) = await queues.take(conn, "one", 1, MINUTE)
        await queues.mark(conn, org, due.queue)
        before = [(mark.queue, mark.held) for mark in await marks(alone, org)]
        assert await step(alone)
        assert [(mark.queue, mark.held) for mark in await marks(alone, org)] == before
        await queues.done(conn, taken)  # it was not marked anew
    assert await marked(alone, org) == {due.queue}


async def test_one_sweeps_at_a_time(alone: Database) -> None:
    await put(alone, waits(an_org()))
    async with alone.transaction() as conn:
        assert await sweep.step(conn, 2, MINUTE)
        assert not await step(alone)


async def test_a_step_that_is_broken_off_is_done_again(alone: Database) -> None:
    org = an_org()
    await put(alone, waits(org))

    with pytest.raises(LookupError):
        async with alone.transaction() as conn:
            await sweep.step(conn, 2, MINUTE)
            raise LookupError
    assert await marked(alone, org) == set()
    assert await step(alone)
    assert len(await marked(alone, org)) == 1
