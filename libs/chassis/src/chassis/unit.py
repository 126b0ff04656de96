"""One use case's transaction: the change, its events and the answer to its Idempotency-Key commit together.

Invariant: nothing is published, and no answer is kept, of a transaction that rolled back; the relay is woken only after
the commit.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from chassis import outbox
from chassis.idempotency import Once
from chassis.outbox import OutboxMessage
from chassis.postgres import Connection, Database


class Unit:
    """A transaction that is under way: its connection, the events it will publish, and its result."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.messages: list[OutboxMessage] = []
        self.result: object = None

    def publish(self, message: OutboxMessage) -> None:
        """Publish a message with the commit.

        The caller holds the lock of the resource's row, as `chassis.outbox.append` asks.
        """
        self.messages.append(message)

    def answer(self, result: object) -> None:
        """Name the result that a repetition of the request is answered with."""
        self.result = result


class UnitOfWork:
    """Begins units on one database and wakes the relay behind those that published."""

    def __init__(self, database: Database, wake_relay: Callable[[], None]) -> None:
        self._database = database
        self._wake_relay = wake_relay

    @asynccontextmanager
    async def begin(self, once: Once | None = None) -> AsyncIterator[Unit]:
        """Open a transaction for the block; it commits at the block's end with its outbox rows and kept answer.

        Args:
            once: the request's idempotency key, if it has one.

        Raises:
            AnsweredBeforeError, IdempotencyKeyReusedError, IdempotencyInProgressError: as `Once.enter` says.
        """
        async with self._database.transaction() as conn:
            if once is not None:
                await once.enter(conn)
            unit = Unit(conn)
            yield unit
            await outbox.append(conn, unit.messages)
            if once is not None:
                await once.remember(conn, unit.result)
        if unit.messages:
            self._wake_relay()
