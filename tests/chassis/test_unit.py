"""A unit publishes with its commit and not otherwise."""

import secrets
from dataclasses import replace

import asyncpg
import pytest

from chassis import outbox
from chassis.crypto import Sealer
from chassis.idempotency import AnsweredBeforeError, Once
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
            await unit.conn.execute(outbox.insertion(1), *outbox.columns([MESSAGE, nameless]))
    async with db.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM outbox") == 0
    assert woken == []


async def test_with_a_key_the_statement_and_its_answer_are_one_transaction(db: Database) -> None:
    once = Once(b"scope", b"print", 201, lambda result: str(result).encode(), Sealer(secrets.token_bytes(32)))
    units = UnitOfWork(db, lambda: None)
    with pytest.raises(ZeroDivisionError):
        async with units.statement(once) as unit:
            await publish(unit)
            raise ZeroDivisionError
    async with units.statement(once) as unit:
        await publish(unit)
        unit.answer("made")
    with pytest.raises(AnsweredBeforeError) as answered:
        async with units.statement(once):
            raise AssertionError("a request that was answered before is not run again")
    assert answered.value.body == b"made"
    async with db.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM outbox") == 1


async def test_a_rolled_back_unit_publishes_nothing(db: Database) -> None:
    woken: list[int] = []
    with pytest.raises(ZeroDivisionError):
        async with UnitOfWork(db, lambda: woken.append(1)).begin() as unit:
            await publish(unit)
            raise ZeroDivisionError

    async with db.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM outbox") == 0
    assert woken == []
