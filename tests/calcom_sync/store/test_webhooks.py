"""Webhooks and marks in PostgreSQL: what is set is never lost, and what is kept does not grow."""

from datetime import timedelta

from calcom_sync.store import webhooks
from chassis.clock import utc_now
from chassis.postgres import Connection, Database
from support.calcom.life import BEGINNING

ORG, OTHER = "org_a", "org_b"
HASH = bytes(32)


async def set_mark(conn: Connection, *uids: str, org_id: str = ORG) -> None:
    await webhooks.mark(conn, org_id, uids, BEGINNING, utc_now())


async def test_the_same_webhook_is_known_again_by_its_organization(alone: Database) -> None:
    async with alone.connection() as conn:
        assert await webhooks.note(conn, ORG, HASH)
        assert not await webhooks.note(conn, ORG, HASH)
        assert await webhooks.note(conn, OTHER, HASH)
        await webhooks.sweep_webhooks(conn, timedelta(hours=1), 100)
        assert not await webhooks.note(conn, ORG, HASH)
        await webhooks.sweep_webhooks(conn, timedelta(), 100)
        assert await webhooks.note(conn, ORG, HASH)


async def test_a_mark_is_in_one_hand_and_another_has_it_when_it_is_due(alone: Database) -> None:
    async with alone.connection() as conn:
        await set_mark(conn, "A", "B")
        await set_mark(conn, "A", org_id=OTHER)
        assert {one.uid for one in await webhooks.take(conn, ORG, "run_1", 10)} == {"A", "B"}
        assert await webhooks.take(conn, ORG, "run_2", 10) == []
        assert {one.uid for one in await webhooks.take(conn, ORG, "run_1", 10)} == {"A", "B"}
        await webhooks.leave(conn, ORG, "run_1", ["A"])
        assert {one.uid for one in await webhooks.take(conn, ORG, "run_1", 10)} == {"B"}
        await conn.execute("UPDATE marks SET due_at = now()")
        assert {one.uid for one in await webhooks.take(conn, ORG, "run_2", 10)} == {"A", "B"}


async def test_each_time_it_waits_longer_until_it_is_told_of_again(alone: Database) -> None:
    async with alone.connection() as conn:
        await set_mark(conn, "A")
        waits = []
        for number in range(6):
            await webhooks.take(conn, ORG, "run_1", 10)
            waits.append(await conn.fetchval("SELECT extract(epoch FROM due_at - now())::float FROM marks"))
            if number == 4:
                await set_mark(conn, "A")
        expected = [2, 10, 60, 240, 600, 2]
        assert all(abs(wait - pause) < 1 for wait, pause in zip(waits, expected, strict=True))


async def test_a_mark_that_was_set_again_stays(alone: Database) -> None:
    async with alone.connection() as conn:
        await set_mark(conn, "A", "B")
        taken = await webhooks.take(conn, ORG, "run_1", 10)
        await webhooks.mark(conn, ORG, ["A"], None, utc_now())
        await webhooks.settle(conn, ORG, taken)
        assert await webhooks.count(conn) == 1
        (left,) = await webhooks.take(conn, ORG, "run_2", 10)
        assert (left.uid, left.times, left.said_at) == ("A", 2, BEGINNING)


async def test_only_old_marks_are_given_up(alone: Database) -> None:
    async with alone.connection() as conn:
        await set_mark(conn, "A", "B")
        await conn.execute("UPDATE marks SET heard_at = heard_at - interval '2 hours' WHERE uid = 'A'")
        assert await webhooks.sweep_marks(conn, timedelta(hours=1), 100) == 1
        assert [one.uid for one in await webhooks.take(conn, ORG, "run_1", 10)] == ["B"]
