"""A POST that is sent twice changes once; a key is bound to its body and its sender."""

import asyncio
import secrets

import pytest

from chassis import idempotency
from chassis.crypto import Sealer
from chassis.idempotency import (
    AnsweredBeforeError,
    IdempotencyInProgressError,
    IdempotencyKeyReusedError,
    Once,
    scope_of,
)
from chassis.lifecycle import Stop
from chassis.postgres import Database
from chassis.unit import UnitOfWork

SEALER = Sealer(secrets.token_bytes(32))


def once(key: str = "k", body: bytes = b"{}") -> Once:
    return Once(
        scope=scope_of("org", "key", "POST", "/path", key),
        fingerprint=body,
        status=201,
        render=lambda result: str(result).encode(),
        sealer=SEALER,
    )


@pytest.fixture
async def units(db: Database) -> UnitOfWork:
    """Units of work over a table of one number."""
    async with db.connection() as connection:
        await connection.execute("CREATE TABLE counted (n int)")
        await connection.execute("INSERT INTO counted VALUES (0)")
    return UnitOfWork(db, lambda: None)


async def count(units: UnitOfWork, handle: Once | None) -> int:
    async with units.begin(handle) as unit:
        n: int = await unit.conn.fetchval("UPDATE counted SET n = n + 1 RETURNING n")
        unit.answer(n)
    return n


async def age(db: Database, handle: Once) -> None:
    async with db.connection() as connection:
        await connection.execute(
            "UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE scope = $1", handle.scope
        )


async def test_the_second_request_gets_the_first_ones_answer_and_changes_nothing(
    units: UnitOfWork, db: Database
) -> None:
    assert await count(units, once()) == 1

    with pytest.raises(AnsweredBeforeError) as answered:
        await count(units, once())

    assert (answered.value.status, answered.value.body) == (201, b"1")
    async with db.connection() as connection:
        assert await connection.fetchval("SELECT n FROM counted") == 1


async def test_another_body_is_refused(units: UnitOfWork) -> None:
    await count(units, once())

    with pytest.raises(IdempotencyKeyReusedError):
        await count(units, once(body=b"{ }"))


async def test_a_running_twin_is_told_and_after_it_failed_the_key_is_free(units: UnitOfWork) -> None:
    with pytest.raises(ZeroDivisionError):
        async with units.begin(once()):
            with pytest.raises(IdempotencyInProgressError):
                await count(units, once())
            raise ZeroDivisionError

    assert await count(units, once()) == 1


async def test_of_many_twins_one_changes(units: UnitOfWork, db: Database) -> None:
    results = await asyncio.gather(*(count(units, once()) for _ in range(20)), return_exceptions=True)

    assert results.count(1) == 1
    assert all(
        result == 1 or isinstance(result, (AnsweredBeforeError, IdempotencyInProgressError)) for result in results
    )
    async with db.connection() as connection:
        assert await connection.fetchval("SELECT n FROM counted") == 1


async def test_kept_answers_are_sealed(units: UnitOfWork, db: Database) -> None:
    async with units.begin(once()) as unit:
        unit.answer("whsec_verysecret")

    async with db.connection() as connection:
        kept = await connection.fetchval("SELECT answer FROM idempotency_keys")
    assert b"verysecret" not in kept


async def test_a_key_ends_after_a_day(units: UnitOfWork, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await count(units, once("old"))
    await count(units, once("young"))
    async with db.connection() as connection:
        await connection.execute(
            "UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE scope = $1", once("old").scope
        )

    assert await count(units, once("old", body=b"another")) == 3

    async with db.connection() as connection:
        await connection.execute(
            "UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE scope = $1", once("old").scope
        )
    monkeypatch.setattr(idempotency, "_SWEEP_SECONDS", 0.01)
    stop = Stop()
    sweeping = asyncio.create_task(idempotency.sweep(db, stop))
    async with db.connection() as connection, asyncio.timeout(5):
        while await connection.fetchval("SELECT count(*) FROM idempotency_keys") != 1:
            await asyncio.sleep(0.01)
    stop.set()
    await sweeping
