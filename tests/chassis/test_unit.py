"""A unit publishes with its commit and not otherwise."""

import pytest

from chassis import outbox
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


async def test_a_rolled_back_unit_publishes_nothing(db: Database) -> None:
    woken: list[int] = []
    with pytest.raises(ZeroDivisionError):
        async with UnitOfWork(db, lambda: woken.append(1)).begin() as unit:
            await publish(unit)
            raise ZeroDivisionError

    async with db.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM outbox") == 0
    assert woken == []
