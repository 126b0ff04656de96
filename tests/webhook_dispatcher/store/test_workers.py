"""Leases in the database: good as long as the worker's row is there, and gone with it."""

from datetime import timedelta

from chassis.postgres import Connection, Database
from support.dispatcher import put_deliveries
from webhook_dispatcher.store import workers
from webhook_dispatcher.store.workers import Held

LEASE = timedelta(seconds=10)


async def holders(conn: Connection) -> set[str | None]:
    return {row["leased_by"] for row in await conn.fetch("SELECT DISTINCT leased_by FROM deliveries")}


async def test_a_heartbeat_that_was_too_old_is_never_renewed(db: Database) -> None:
    async with db.connection() as conn:
        await workers.register(conn, "wrk_1")
        assert await workers.renew(conn, "wrk_1", LEASE)
        await conn.execute("UPDATE workers SET heartbeat_at = heartbeat_at - interval '11 s'")
        assert not await workers.renew(conn, "wrk_1", LEASE)
        assert not await workers.renew(conn, "wrk_none", LEASE)


async def test_only_the_dead_are_buried_and_only_what_they_held_is_freed(db: Database) -> None:
    for lease in ("wrk_dead", "wrk_forgotten", "wrk_live"):
        await put_deliveries(db, "sub_a", 5, lease=lease)
    async with db.connection() as conn:
        for lease in ("wrk_dead", "wrk_live"):
            await workers.register(conn, lease)
        await conn.execute("UPDATE workers SET heartbeat_at = now() - interval '11 s' WHERE id = 'wrk_dead'")
        assert await workers.release(conn, 100) == 5
        assert await holders(conn) == {None, "wrk_dead", "wrk_live"}
        await workers.bury(conn, LEASE)
        assert [await workers.release(conn, 3) for _ in range(3)] == [3, 2, 0]
        assert await holders(conn) == {None, "wrk_live"}
        await workers.forget(conn, "wrk_live")
        assert await workers.release(conn, 100) == 5
        assert await holders(conn) == {None}


async def test_what_is_let_go_is_free_unless_it_was_leased_anew(db: Database) -> None:
    ids = await put_deliveries(db, "sub_a", 3, lease="wrk_1")
    await put_deliveries(db, "sub_a", 2, lease="wrk_2")
    async with db.connection() as conn:
        held = await workers.held(conn, "wrk_1")
        assert sorted(held, key=lambda one: one.id) == sorted(
            [Held(one, "wrk_1", 0) for one in ids], key=lambda one: one.id
        )
        await conn.execute("UPDATE deliveries SET attempts = 1 WHERE id = $1", ids[0])
        await conn.execute("UPDATE deliveries SET leased_by = 'wrk_2' WHERE id = $1", ids[1])
        await workers.let_go(conn, held)
        free = await conn.fetch("SELECT id FROM deliveries WHERE leased_by IS NULL")
    assert [row["id"] for row in free] == [ids[2]]
