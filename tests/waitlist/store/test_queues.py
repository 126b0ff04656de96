"""Due queues in their table: that a mark is looked at once, and is not lost whatever happens meanwhile."""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chassis.postgres import Connection, Database
from support.waiting_entries import an_org, marked, marks, put, waits
from support.waitlist_values import DAY
from waitlist.domain.status import Status
from waitlist.store import queues
from waitlist.store.queues import Taken

LEASE = timedelta(seconds=30)
SHORT = timedelta(milliseconds=50)


@pytest.fixture
async def conn(alone: Database) -> AsyncIterator[Connection]:
    async with alone.connection() as connection:
        yield connection


async def take(conn: Connection, holder: str = "one", at_most: int = 10, lease: timedelta = LEASE) -> list[Taken]:
    return await queues.take(conn, holder, at_most, lease)


async def the_only(conn: Connection, holder: str = "one", lease: timedelta = LEASE) -> Taken:
    (taken,) = await take(conn, holder, lease=lease)
    return taken


async def test_a_queue_is_taken_once_however_often_it_was_marked(conn: Connection) -> None:
    org = an_org()
    for _ in range(3):
        await queues.mark(conn, org, "q")
    assert await the_only(conn) == Taken(org, "q", "one", 0)
    assert await take(conn, "two") == []


async def test_what_was_looked_at_is_not_due_any_more(alone: Database, conn: Connection) -> None:
    org = an_org()
    await queues.mark(conn, org, "q")
    await queues.done(conn, await the_only(conn))
    assert await marked(alone, org) == set()
    assert await queues.pause(conn) is None


async def test_a_mark_that_comes_during_a_look_has_the_queue_looked_at_again(conn: Connection) -> None:
    org = an_org()
    await queues.mark(conn, org, "q")
    taken = await the_only(conn)
    await queues.mark(conn, org, "q")
    assert await take(conn, "two") == []  # by nobody else meanwhile
    await queues.done(conn, taken)
    again = await the_only(conn, "two")
    assert again.queue == "q"
    await queues.done(conn, again)
    assert await take(conn) == []


async def test_a_mark_that_is_committed_while_a_look_ends_is_not_lost(alone: Database, conn: Connection) -> None:
    org = an_org()
    await queues.mark(conn, org, "q")
    taken = await the_only(conn)
    async with alone.connection() as other:
        async with other.transaction():
            await queues.mark(other, org, "q")
            ending = asyncio.create_task(queues.done(conn, taken))
            await asyncio.sleep(0.2)
            assert not ending.done()
        await ending
    assert (await the_only(conn)).queue == "q"


async def test_who_is_gone_leaves_its_queues_to_others_and_comes_too_late_then(conn: Connection) -> None:
    org = an_org()
    await queues.mark(conn, org, "q")
    gone = await the_only(conn, "gone", SHORT)
    assert await take(conn, "two") == []
    await asyncio.sleep(0.1)
    assert (await the_only(conn, "two")).holder == "two"
    await queues.done(conn, gone)
    await queues.rest(conn, gone, timedelta())
    await queues.keep(conn, ["gone"], timedelta())
    assert await take(conn, "three") == []


async def test_a_take_that_is_kept_is_nobody_elses(conn: Connection) -> None:
    org = an_org()
    await queues.mark(conn, org, "q")
    await the_only(conn, "one", timedelta(milliseconds=200))
    await queues.keep(conn, ["one", "another"], LEASE)
    await asyncio.sleep(0.3)
    assert await take(conn, "two") == []


async def test_a_look_that_failed_is_owed_after_a_rest_which_no_mark_shortens(
    alone: Database, conn: Connection
) -> None:
    org = an_org()
    await queues.mark(conn, org, "q")
    await queues.rest(conn, await the_only(conn), timedelta(milliseconds=300))
    await queues.mark(conn, org, "q")
    assert await take(conn) == []
    pause = await queues.pause(conn)
    assert pause is not None
    assert 0 < pause <= 0.3
    await asyncio.sleep(0.4)
    again = await the_only(conn)
    assert again.failures == 1
    await queues.rest(conn, again, timedelta())
    last = await the_only(conn)
    assert last.failures == 2
    await queues.mark(conn, org, "q")
    await queues.done(conn, last)
    (mark,) = await marks(alone, org)
    assert (mark.failures, mark.held) == (0, False)  # one that ended well ends the row of failures


async def test_a_queue_that_is_marked_for_later_is_due_then(conn: Connection) -> None:
    org, now = an_org(), datetime.now(UTC)
    await queues.mark(conn, org, "q", now + timedelta(hours=1))
    await queues.mark(conn, org, "q", now + timedelta(milliseconds=300))
    await queues.mark(conn, org, "q", now + timedelta(hours=2))
    assert await take(conn) == []
    pause = await queues.pause(conn)
    assert pause is not None
    assert pause <= 0.3
    await asyncio.sleep(0.4)
    taken = await the_only(conn)
    await queues.mark(conn, org, "q", now + timedelta(hours=1))
    await queues.done(conn, taken)
    assert await take(conn) == []
    pause = await queues.pause(conn)
    assert pause is not None
    assert 3500 < pause < 3600


async def test_the_longest_due_are_taken_first_and_no_more_than_asked(conn: Connection) -> None:
    org, now = an_org(), datetime.now(UTC)
    for number in random.Random(3).sample(range(6), 6):
        await queues.mark(conn, org, f"q{number}", now - timedelta(minutes=10 - number))
    assert {one.queue for one in await take(conn, "one", 2)} == {"q0", "q1"}
    assert {one.queue for one in await take(conn, "two", 10)} == {"q2", "q3", "q4", "q5"}


async def test_only_queues_in_which_somebody_waits_are_marked_for_what_falls_free(
    alone: Database, conn: Connection
) -> None:
    org, other = an_org(), an_org()
    live = waits(org)
    away = [
        waits(org, location_id="loc_2", status=status) for status in (Status.CONVERTED, Status.EXPIRED, Status.REMOVED)
    ]
    notified = waits(org, instance_id="ins_1", status=Status.NOTIFIED)
    await put(alone, live, *away, notified, waits(other, location_id="loc_3"))
    assert await queues.mark_live(conn, org, [live.queue, away[0].queue, "ins_1", f"loc_3/{live.requested_date}", "x"])
    assert await marked(alone, org) == {live.queue, "ins_1"}
    assert await marked(alone, other) == set()
    assert not await queues.mark_live(conn, org, [away[0].queue])
    assert not await queues.mark_live(conn, org, [live.queue])  # it is due already
    await take(conn)
    assert await queues.mark_live(conn, org, [live.queue])


async def test_every_queue_of_a_location_in_which_somebody_waits_is_marked(alone: Database, conn: Connection) -> None:
    org = an_org()
    first = waits(org)
    later = [waits(org, day=DAY + timedelta(days=n)) for n in (1, 1, 400)]
    gone = waits(org, day=DAY - timedelta(days=1), status=Status.EXPIRED)
    await put(alone, first, *later, gone, waits(org, location_id="loc_2"), replace(waits(an_org()), queue=gone.queue))
    assert await queues.mark_live(conn, org, await queues.of_location(conn, org, "loc_1"))
    assert await marked(alone, org) == {entry.queue for entry in (first, *later)}
    assert not await queues.mark_live(conn, org, await queues.of_location(conn, org, "loc_3"))


async def test_those_who_mark_and_those_who_take_get_on_with_each_other(alone: Database) -> None:
    """Every queue that was marked is looked at after its last mark, by one at a time."""
    org, chance = an_org(), random.Random(11)
    names = [f"loc_1/2026-12-{day:02}" for day in range(1, 13)]
    await put(alone, *[replace(waits(org), queue=name) for name in names])
    asked, seen, holders = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0), set[str]()
    clock = asyncio.get_running_loop().time

    async def marker() -> None:
        for _ in range(30):
            wanted = chance.sample(names, 6)
            async with alone.transaction() as conn:
                await queues.mark_live(conn, org, wanted)
                await asyncio.sleep(chance.random() / 200)
                asked.update(dict.fromkeys(wanted, clock()))

    async def worker(holder: str, until: asyncio.Event) -> None:
        while True:
            last = until.is_set()
            async with alone.connection() as conn:
                taken = await queues.take(conn, holder, 3, LEASE)
            for one in taken:
                assert one.queue not in holders
                holders.add(one.queue)
            began = clock()
            await asyncio.sleep(chance.random() / 100)
            for one in taken:
                seen[one.queue] = began
                holders.remove(one.queue)
                async with alone.connection() as conn:
                    await queues.done(conn, one)
            if last and not taken:
                return

    over = asyncio.Event()
    workers = [asyncio.create_task(worker(f"w{number}", over)) for number in range(3)]
    await asyncio.gather(*[marker() for _ in range(3)])
    over.set()
    await asyncio.gather(*workers)
    assert await marked(alone, org) == set()
    assert all(seen[name] > asked[name] > 0 for name in names)


async def test_what_is_owed_is_counted_with_the_age_of_the_oldest(conn: Connection) -> None:
    org, now = an_org(), datetime.now(UTC)
    assert await queues.backlog(conn) == queues.Backlog(0, 0.0)
    await queues.mark(conn, org, "held", now - timedelta(seconds=90))
    await queues.mark(conn, org, "due", now - timedelta(seconds=30))
    await queues.mark(conn, org, "later", now + timedelta(seconds=30))
    await take(conn, at_most=1)
    owed = await queues.backlog(conn)
    assert owed.due == 2
    assert 90 <= owed.oldest_seconds < 120


async def test_organizations_take_turns_however_many_queues_one_has_due(conn: Connection) -> None:
    many, few, later = an_org(), an_org(), an_org()
    await conn.execute(
        "INSERT INTO queues (org_id, queue, due_at, marked_at)"
        " SELECT $1, 'q' || n, now() - n * interval '1 minute', now() FROM generate_series(1, 3000) n",
        many,
    )
    for org in (few, few, later):
        await queues.mark(conn, org, f"q{secrets.token_hex(4)}")
    first = await take(conn, "one", 4)
    assert sorted(taken.org_id for taken in first) == sorted([many, many, few, later])
    assert {taken.queue for taken in first if taken.org_id == many} == {"q3000", "q2999"}  # the longest due
    (next_one,) = await take(conn, "two", 1)  # of whom fewer are being looked at
    assert next_one.org_id == few
    assert [taken.org_id for taken in await take(conn, "three", 3)] == [many] * 3
