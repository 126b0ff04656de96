"""One use case's transaction: the change, its events and the answer to its Idempotency-Key commit together.

Invariant: nothing is published, and no answer is kept, of a transaction that rolled back; the relay is woken only after
the commit.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from chassis.idempotency import Once
from chassis.postgres import Connection, Database


class Unit:
    """A use case's work on the database: its connection, whether it publishes, and its result."""

    def __init__(self, conn: Connection, once: Once | None = None) -> None:
        self.conn = conn
        self.publishing = False
        self.result: object = None
        self._once = once

    def publishes(self) -> None:
        """Tell that rows were added to the outbox (`chassis.outbox.insertion`): the relay is woken after the commit."""
        self.publishing = True

    def answer(self, result: object) -> None:
        """Name the result that a repetition of the request is answered with."""
        self.result = result

    def kept(self, result: object) -> list[object]:
        """Answer what the statement of the change keeps for a repetition of the request.

        Returns:
            The parameters of `chassis.idempotency.insertion`; none where nothing is kept, or `begin` sees to it.
        """
        return [] if self._once is None else self._once.columns(result)


class UnitOfWork:
    """Begins units on one database and wakes the relay behind those that published."""

    def __init__(self, database: Database, wake_relay: Callable[[], None]) -> None:
        self._database = database
        self._wake_relay = wake_relay

    @asynccontextmanager
    async def begin(self, once: Once | None = None) -> AsyncIterator[Unit]:
        """Open a transaction for the block; it commits at the block's end, with its kept answer.

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
            if once is not None:
                await once.remember(conn, unit.result)
        self._wake_behind(unit)

    @asynccontextmanager
    async def statement(self, once: Once | None = None) -> AsyncIterator[Unit]:
        """Do as `begin` for a block that writes with one statement, which it executes last, with `Unit.kept` in it.

        Such a statement is a transaction by itself: four round trips fewer. A repetition of the request, later or at
        the same time, fails over the key or over what the first one took: a block that fails looks for an answer.

        Raises:
            AnsweredBeforeError, IdempotencyKeyReusedError: as `Once.look` says.
        """
        async with self._database.connection() as conn:
            unit = Unit(conn, once)
            try:
                yield unit
            except Exception:
                if once is not None:
                    await once.look(conn)
                raise
        self._wake_behind(unit)

    def _wake_behind(self, unit: Unit) -> None:
        if unit.publishing:
            self._wake_relay()
