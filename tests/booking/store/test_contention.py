"""What lost to another change is done again, whole."""

import asyncio

import asyncpg
import pytest

from booking.domain.errors import SlotUnavailableError
from booking.store.contention import OvertakenError, retrying, unless_lost
from chassis.postgres import Database

LOCKS = (7_001, 7_002)


async def test_two_transactions_that_wait_for_each_other_both_succeed(db: Database) -> None:
    tries: list[str] = []
    both_hold_one = asyncio.Barrier(2)

    async def crossing(name: str, first: int, second: int) -> str:
        tries.append(name)
        async with db.transaction() as conn:
            await conn.execute("SELECT pg_advisory_xact_lock($1)", first)
            if len(tries) <= len(LOCKS):
                await both_hold_one.wait()
            await conn.execute("SELECT pg_advisory_xact_lock($1)", second)
        return name

    done = await asyncio.gather(
        retrying(lambda _: crossing("a", *LOCKS)), retrying(lambda _: crossing("b", *reversed(LOCKS)))
    )
    assert list(done) == ["a", "b"]
    assert len(tries) == 3


async def test_after_some_deadlocks_it_is_left_at_that() -> None:
    tries: list[int] = []

    async def always(attempt: int) -> None:
        tries.append(attempt)
        raise asyncpg.DeadlockDetectedError

    with pytest.raises(asyncpg.DeadlockDetectedError):
        await retrying(always)
    assert tries == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("lost", [asyncpg.ExclusionViolationError, OvertakenError])
async def test_who_is_always_too_late_is_told_that_the_time_is_taken(lost: type[Exception]) -> None:
    tries: list[int] = []

    async def always(attempt: int) -> None:
        tries.append(attempt)
        raise lost

    with pytest.raises(SlotUnavailableError):
        await retrying(always)
    assert tries == list(range(1, 21))


async def test_a_part_that_lost_leaves_nothing_and_the_rest_stays(db: Database) -> None:
    async def work(name: str, outcome: Exception | None) -> str:
        await conn.execute("INSERT INTO parts VALUES ($1)", name)
        if outcome is not None:
            raise outcome
        return name

    async with db.transaction() as conn:
        await conn.execute("CREATE TEMPORARY TABLE parts (name text) ON COMMIT DROP")
        assert await unless_lost(conn, lambda: work("a", None)) == "a"
        assert await unless_lost(conn, lambda: work("b", asyncpg.ExclusionViolationError())) is None
        with pytest.raises(asyncpg.DeadlockDetectedError):
            await unless_lost(conn, lambda: work("c", asyncpg.DeadlockDetectedError()))
        assert await conn.fetchval("SELECT array_agg(name) FROM parts") == ["a"]
