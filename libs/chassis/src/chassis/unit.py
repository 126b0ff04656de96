"""One use case's transaction: the change, its events and the answer to its Idempotency-Key commit together.

Invariant: nothing is published, and no answer is kept, of a transaction that rolled back; the relay is woken only after
the commit.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from chassis.idempotency import Once
from chassis.postgres import Connection, Database


class Unit:
    """A use case's work on the database: its connection, whether it publishes, and its result."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.publishing = False
        self.result: object = None

    def publishes(self) -> None:
        """Tell that rows were added to the outbox (`chassis.outbox.insertion`): the relay is woken after the commit."""
        self.publishing = True

    def answer(self, result: object) -> None:
        """Name the result that a repetition of the request is answered with."""
        self.result = result


class UnitOfWork:
    """Begins units on one database and wakes the relay behind those that published."""

    def __init__(self, database: Database, wake_relay: Callable[[], None]) -> None:
        self._database = database
        self._wake_relay = wake_relay

    def begin(self, once: Once | None = None) -> AbstractAsyncContextManager[Unit]:
        """Open a transaction for the block; it commits at the block's end, with its kept answer.

        Args:
            once: the request's idempotency key, if it has one.

        Raises:
            AnsweredBeforeError, IdempotencyKeyReusedError, IdempotencyInProgressError: as `Once.enter` says.
        """
        return self._unit(self._database.transaction(), once)

    def statement(self, once: Once | None = None) -> AbstractAsyncContextManager[Unit]:
        """Do as `begin` for a block that writes with one statement, which it executes last.

        Such a statement is a transaction by itself, so one is opened only to keep an answer with it: two round trips
        fewer.
        """
        return self._unit(self._database.connection() if once is None else self._database.transaction(), once)

    @asynccontextmanager
    async def _unit(self, lent: AbstractAsyncContextManager[Connection], once: Once | None) -> AsyncIterator[Unit]:
        async with lent as conn:
            if once is not None:
                await once.enter(conn)
            unit = Unit(conn)
            yield unit
            if once is not None:
                await once.remember(conn, unit.result)
        if unit.publishing:
            self._wake_relay()
