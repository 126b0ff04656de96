"""A unit publishes with its commit and not otherwise."""

import secrets
from dataclasses import replace

import asyncpg
import pytest

from chassis import idempotency, outbox
from chassis.crypto import Sealer
from chassis.idempotency import AnsweredBeforeError, IdempotencyKeyReusedError, Once
from chassis.outbox import OutboxMessage
from chassis.postgres import Database
from chassis.unit import Unit, UnitOfWork

MESSAGE = OutboxMessage("evt_1", "booking.events", b"bk_1", b"{}")


async def publish(unit: Unit) -> None:
    await unit.conn.execute(outbox.insertion(1), *outbox.columns([MESSAGE]))
    unit.publishes()


async def test_messages_and_the_wake_come_with_the_commit(db: Database) -> None:
    woken: list[int] = []
    units = UnitOfWork(db, lambda: woken.append(1))

    async with units.begin() as unit:
        await publish(unit)
        assert woken == []

    async with db.connection() as connection:
        assert await connection.fetchval("SELECT event_id FROM outbox") == "evt_1"
    assert woken == [1]


async def test_a_unit_of_one_statement_wakes_behind_it_and_is_there_at_once(db: Database) -> None:
    woken: list[int] = []
    async with UnitOfWork(db, lambda: woken.append(1)).statement() as unit:
        await publish(unit)
        async with db.connection() as connection:
            assert await connection.fetchval("SELECT event_id FROM outbox") == "evt_1"
        assert woken == []
    assert woken == [1]


async def test_a_unit_of_one_statement_that_fails_leaves_nothing_and_wakes_nobody(db: Database) -> None:
    woken: list[int] = []
    with pytest.raises(asyncpg.NotNullViolationError):
        async with UnitOfWork(db, lambda: woken.append(1)).statement() as unit:
            nameless = replace(MESSAGE, event_id=None)  # type: ignore[arg-type]  # the second of two rows is refused
            await unit.conn.execute(outbox.insertion(1, 2), *outbox.columns([MESSAGE, nameless]))
    async with db.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM outbox") == 0
    assert woken == []


async def keep(unit: Unit, result: str) -> None:
    """Do what a statement with an answer in it does: it fails when the key is known."""
    if await unit.conn.fetchval(idempotency.insertion(1), *unit.kept(result)) is None:
        raise LookupError("the key is known")


@pytest.fixture
def once() -> Once:
    return Once(b"scope", b"print", 201, lambda result: str(result).encode(), Sealer(secrets.token_bytes(32)))


async def test_a_statement_keeps_its_answer_and_is_not_repeated(db: Database, once: Once) -> None:
    units = UnitOfWork(db, lambda: None)
    with pytest.raises(ZeroDivisionError):
        async with units.statement(once):
            raise ZeroDivisionError
    async with units.statement(once) as unit:
        await keep(unit, "made")
    assert once.answer == b"made"
    with pytest.raises(AnsweredBeforeError) as answered:
        async with units.statement(once) as unit:
            await keep(unit, "made again")
    assert answered.value.body == b"made"
    with pytest.raises(AnsweredBeforeError):
        async with units.statement(once):
            raise ZeroDivisionError
    with pytest.raises(IdempotencyKeyReusedError):
        async with units.statement(replace(once, fingerprint=b"other")) as unit:
            await keep(unit, "another")


async def test_of_twins_the_slower_one_keeps_nothing_and_is_given_the_others_answer(db: Database, once: Once) -> None:
    units = UnitOfWork(db, lambda: None)
    with pytest.raises(AnsweredBeforeError) as answered:
        async with units.statement(once) as slow:
            async with units.statement(once) as quick:
                await keep(quick, "quick")
            await keep(slow, "slow")
    assert answered.value.body == b"quick"


async def test_an_answer_that_is_a_day_old_is_replaced(db: Database, once: Once) -> None:
    units = UnitOfWork(db, lambda: None)
    for result in ("old", "new"):
        async with units.statement(once) as unit:
            await keep(unit, result)
        async with db.connection() as connection:
            await connection.execute("UPDATE idempotency_keys SET created_at = created_at - interval '25 hours'")


async def test_without_a_key_a_statement_keeps_nothing(db: Database) -> None:
    async with UnitOfWork(db, lambda: None).statement() as unit:
        assert unit.kept("made") == []


async def test_a_rolled_back_unit_publishes_nothing(db: Database) -> None:
    woken: list[int] = []
    with pytest.raises(ZeroDivisionError):
        async with UnitOfWork(db, lambda: woken.append(1)).begin() as unit:
            await publish(unit)
            raise ZeroDivisionError

    async with db.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM outbox") == 0
    assert woken == []
