"""Turns in the database: one at a time, in order, and nobody forgotten where two transactions meet."""

import asyncio

import asyncpg
import pytest

from chassis.clock import utc_now
from chassis.postgres import Database
from support.dispatcher import put_deliveries, waits_for_a_lock
from support.waiting import eventually
from webhook_dispatcher.store import turns
from webhook_dispatcher.store.turns import Turn


def a_turn(sequence: int, resource_id: str = "bk_1", subscription_id: str = "sub_a") -> Turn:
    return Turn(f"dlv_{subscription_id}_{resource_id}_{sequence}", subscription_id, resource_id, sequence)


async def test_the_first_of_each_resource_and_subscription_has_its_turn(db: Database) -> None:
    wanted = [a_turn(2), a_turn(1), a_turn(3, "bk_2"), a_turn(7, subscription_id="sub_b")]
    async with db.transaction() as conn:
        await turns.lock(conn, {one.subscription_id for one in wanted})
        assert await turns.join(conn, wanted) == {one.delivery_id for one in wanted[1:]}
    async with db.transaction() as conn:
        assert await turns.join(conn, [a_turn(4), a_turn(1, "bk_3")]) == {a_turn(1, "bk_3").delivery_id}


async def test_the_database_refuses_two_turns_at_once(db: Database) -> None:
    async with db.transaction() as conn:
        await turns.join(conn, [a_turn(1), a_turn(2)])
    async with db.connection() as conn:
        with pytest.raises(asyncpg.UniqueViolationError):
            await conn.execute("UPDATE turns SET is_on = true")


async def test_a_lock_keeps_others_out_of_the_same_subscriptions_turns_only(db: Database) -> None:
    async with db.transaction() as one:
        await turns.lock(one, ["sub_a"])
        await turns.join(one, [a_turn(1)])

        async def come_next() -> set[str]:
            async with db.transaction() as other:
                await turns.lock(other, ["sub_b", "sub_a"])
                return await turns.join(other, [a_turn(2)])

        async with db.transaction() as elsewhere:
            await turns.lock(elsewhere, ["sub_b"])
        coming = asyncio.create_task(come_next())
        await eventually(lambda: waits_for_a_lock(db, "pg_advisory_xact_lock"))
    assert await coming == set()


async def test_a_turn_is_passed_on_when_its_delivery_has_ended_and_not_before(db: Database) -> None:
    first, second = await put_deliveries(db, "sub_a", 2)
    async with db.connection() as conn:
        await conn.execute("UPDATE deliveries SET awaits_turn = id = $1", second)
        for place, delivery_id in enumerate((first, second)):
            await conn.execute("INSERT INTO turns VALUES ($1, 'sub_a', 'bk_1', $2, $2 = 0)", delivery_id, place)
        waiting = "SELECT id FROM deliveries WHERE awaits_turn"
        await turns.pass_on(conn, [first], utc_now())
        assert await conn.fetchval(waiting) == second
        await conn.execute("UPDATE deliveries SET state = 'delivered', settled_at = now() WHERE id = $1", first)
        await turns.pass_on(conn, [first], utc_now())
        assert await conn.fetchval(waiting) is None
        assert await conn.fetchval("SELECT array_agg(delivery_id) FROM turns WHERE is_on") == [second]
