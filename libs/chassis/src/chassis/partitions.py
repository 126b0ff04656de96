"""Daily partitions of tables whose ids sort by time: made ahead of need, dropped by age.

A set of tables is partitioned by range over such ids; a day's partition holds the ids from the least one of the day to
the least one of the next. Days are days of UTC.

Invariants: the tables of a set have partitions of the same days; making one keeps nobody waiting, dropping one keeps
others waiting for a moment at most.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, timedelta

import asyncpg

from chassis.postgres import Connection

_LOCK = 0x51074714  # one number for all sets; advisory locks are per database
_DAY = timedelta(days=1)
# Whoever waits for a whole table makes all others wait behind it. It is less than PostgreSQL's deadlock_timeout, so of
# two that wait for each other it is always the drop that gives way.
_LOCK_WAIT = "200ms"
_PARTITIONS = """
SELECT right(relname, 8) FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = to_regclass($1) ORDER BY 1
"""


class InUseError(Exception):
    """The tables are in use for longer than others may be kept waiting; try again later."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a set.

    Attributes:
        name: what it is called.
        least: tells the least id that a day can have.
        options: storage parameters of its partitions, as SQL writes them; a partitioned table has none of its own.
        needed: conditions in SQL; a day with a row for which one of them holds is not dropped.
    """

    name: str
    least: Callable[[date], str]
    options: str = ""
    needed: tuple[str, ...] = ()

    def of(self, day: date) -> str:
        """Name a day's partition."""
        return f"{self.name}_{day:%Y%m%d}"


@dataclass(frozen=True, slots=True)
class DailyPartitions:
    """A set of tables with partitions of the same days."""

    tables: tuple[Table, ...]

    async def days(self, conn: Connection) -> list[date]:
        """List the days that have partitions, the oldest first."""
        rows = await conn.fetch(_PARTITIONS, self.tables[0].name)
        return [date.fromisoformat(row[0]) for row in rows]

    async def ensure(self, conn: Connection, days: Collection[date]) -> list[date]:
        """Make the partitions that days lack, inside a transaction that does nothing else; answer which days they were.

        A partition is made as a table of its own and then attached: to make it in its place would lock out readers and
        writers of the whole.
        """
        await conn.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        missing = sorted(set(days).difference(await self.days(conn)))
        for day in missing:
            for table in self.tables:
                await _make(conn, table, day)
        return missing

    async def drop(self, conn: Connection, day: date) -> bool:
        """Drop a day, inside a transaction; answer False, having changed nothing, if a row in it is still needed.

        Raises:
            InUseError: that would keep others waiting for long; the transaction is to be given up.
        """
        if await self._is_needed(conn, day):  # mostly this tells without a lock
            return False
        await conn.execute(f"SET LOCAL lock_timeout = '{_LOCK_WAIT}'")
        try:
            await conn.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            await conn.execute(f"LOCK TABLE ONLY {', ONLY '.join(table.name for table in self.tables)}")
            if await self._is_needed(conn, day):
                return False
            await conn.execute(f"DROP TABLE IF EXISTS {', '.join(table.of(day) for table in self.tables)}")
        except asyncpg.LockNotAvailableError as error:
            raise InUseError from error
        return True

    async def _is_needed(self, conn: Connection, day: date) -> bool:
        if day not in await self.days(conn):
            return False
        for table in self.tables:
            for condition in table.needed:
                if await conn.fetchval(f"SELECT EXISTS (SELECT FROM {table.of(day)} WHERE {condition})"):
                    return True
        return False


async def _make(conn: Connection, table: Table, day: date) -> None:
    name = table.of(day)
    options = f" WITH ({table.options})" if table.options else ""
    await conn.execute(f"CREATE TABLE {name} (LIKE {table.name} INCLUDING DEFAULTS INCLUDING CONSTRAINTS){options}")
    bounds = f"FROM ('{table.least(day)}') TO ('{table.least(day + _DAY)}')"
    await conn.execute(f"ALTER TABLE {table.name} ATTACH PARTITION {name} FOR VALUES {bounds}")
