"""Every consumed record leaves a trace: what is passed over is a gap, until it is read after all."""

from chassis.postgres import Connection, Database
from webhook_dispatcher.domain.arrival import Place
from webhook_dispatcher.store import events, ledger


async def note(conn: Connection, *positions: int, partition: int = 0) -> int:
    """Note records of a partition; answers how many were passed over so far."""
    await events.note(conn, [Place("t", partition, position) for position in positions])
    return await ledger.passed_over(conn)


async def test_records_that_follow_each_other_leave_no_gap(db: Database) -> None:
    async with db.connection() as conn:
        assert await note(conn, 41) == 0  # where a partition is first read is where its account begins
        assert await note(conn, 42, 43, 44) == 0
        assert await note(conn, 7, partition=1) == 0
        assert await note(conn, 43, 44, 45) == 0  # some of them again
        assert await note(conn, 46) == 0


async def test_what_is_passed_over_is_a_gap_between_batches_and_inside_one(db: Database) -> None:
    async with db.connection() as conn:
        await note(conn, 1, 2)
        assert await note(conn, 4, 5) == 1
        assert await note(conn, 6, 9, 12) == 1 + 4
        assert await note(conn, 5, 6, 9, 12) == 1 + 4
        rows = await conn.fetch("SELECT first, next FROM gaps ORDER BY first")
    assert [tuple(row) for row in rows] == [(3, 4), (7, 9), (10, 12)]


async def test_a_gap_closes_as_its_records_are_read_after_all(db: Database) -> None:
    async with db.connection() as conn:
        await note(conn, 1)
        assert await note(conn, 10, 20) == 8 + 9
        assert await note(conn, 1, 2, 3, partition=1) == 8 + 9
        assert await note(conn, 1, 2, 3) == 6 + 9
        assert await note(conn, 4, 5, 6, 7, 8, 9, 10, 11) == 8
        assert await note(conn, *range(12, 21)) == 0
        assert await note(conn, 21) == 0
