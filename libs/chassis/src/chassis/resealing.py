"""Leaving an old key for secrets at rest behind: what it sealed is sealed anew, in the background.

Invariants: a step is one bounded transaction that waits for nobody; what is written is what was read under the same
lock, sealed with the present key, and nothing else of a row changes, so nobody need be told. The number of rows that an
old key sealed is 0 only after a whole look found none, and is no number before the first look.
"""

import asyncio
import math
from dataclasses import dataclass
from typing import Any

import structlog
from prometheus_client import Gauge

from chassis.crypto import Sealer, SealError
from chassis.lifecycle import Stop
from chassis.postgres import Connection, Database

_log = structlog.get_logger(__name__)
_ROWS = 100
_SOON_SECONDS = 10.0  # while a change of a row was in the way
_LATER_SECONDS = 600.0  # another process may seal with an old key until it is replaced


@dataclass(frozen=True, slots=True)
class SealedTable:
    """Where sealed values lie.

    Attributes:
        name: the table.
        key: the column of text that tells its rows apart.
        columns: the columns that are sealed; a null in one is none.
    """

    name: str
    key: str
    columns: tuple[str, ...]

    def context(self, row_key: str, column: str) -> bytes:
        """Tell what a value is sealed for."""
        return f"{self.name}/{row_key}/{column}".encode()


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of some rows.

    Attributes:
        last: the greatest key among them; None if there were none.
        renewed: how many an old key had sealed, and the present one seals now.
        left: how many an old key seals still, since a change of theirs is under way.
        unreadable: how many no key at hand opens.
    """

    last: str | None
    renewed: int
    left: int
    unreadable: int


class Resealing:
    """Seals the rows of a table anew, some at a time."""

    def __init__(self, database: Database, sealer: Sealer, table: SealedTable) -> None:
        self._database = database
        self._sealer = sealer
        self._table = table
        read = f"SELECT {', '.join((table.key, *table.columns))} FROM {table.name}"
        self._look = f"{read} WHERE {table.key} > $1 ORDER BY {table.key} LIMIT $2"
        self._lock = f"{read} WHERE {table.key} = ANY ($1::text[]) ORDER BY {table.key} FOR UPDATE SKIP LOCKED"
        columns = ", ".join(f"{column} = ${place}" for place, column in enumerate(table.columns, 2))
        self._write = f"UPDATE {table.name} SET {columns} WHERE {table.key} = $1"

    async def step(self, behind: str) -> Batch:
        """Look at the next rows behind one, and tell what became of them."""
        async with self._database.transaction() as conn:
            rows = await conn.fetch(self._look, behind, _ROWS)
            stale, unreadable = [], 0
            for row in rows:
                try:
                    if self._renewed(row) is not None:
                        stale.append(row[self._table.key])
                except SealError:
                    unreadable += 1
            free, renewed = await self._seal_anew(conn, stale) if stale else (0, 0)
        return Batch(rows[-1][self._table.key] if rows else None, renewed, len(stale) - free, unreadable)

    async def _seal_anew(self, conn: Connection, keys: list[str]) -> tuple[int, int]:
        """Write the rows that nobody else is changing; answer how many these are, and how many were written."""
        free = await conn.fetch(self._lock, keys)
        anew = [(row[self._table.key], columns) for row in free if (columns := self._renewed(row)) is not None]
        await conn.executemany(self._write, [(key, *columns) for key, columns in anew])
        return len(free), len(anew)

    def _renewed(self, row: Any) -> list[bytes | None] | None:
        """Seal a row's columns with the present key; None where it sealed them all.

        Raises:
            SealError: no key at hand opens one of them.
        """
        anew = [self._anew(row, column) for column in self._table.columns]
        if not any(anew):
            return None
        return [new or row[column] for new, column in zip(anew, self._table.columns, strict=True)]

    def _anew(self, row: Any, column: str) -> bytes | None:
        if row[column] is None:
            return None
        return self._sealer.renew(row[column], context=self._table.context(row[self._table.key], column))


class Resealer:
    """Looks through a whole table, and again.

    Args:
        resealing: looks at some rows.
        stale: is told how many rows an old key seals still.
        unreadable: is told how many no key at hand opens.
    """

    def __init__(self, resealing: Resealing, *, stale: Gauge, unreadable: Gauge) -> None:
        self._resealing = resealing
        self._stale = stale
        self._unreadable = unreadable
        stale.set(math.nan)
        unreadable.set(math.nan)

    async def run(self, stop: Stop) -> None:
        """Seal anew until asked to stop.

        Raises:
            OSError, asyncpg.PostgresError: when the database is away; run it again.
        """
        while not stop.is_set():
            left = await self._look(stop)
            await stop.wait(_SOON_SECONDS if left else _LATER_SECONDS)

    async def _look(self, stop: Stop) -> int:
        """Look at every row once; answer how many an old key seals still."""
        behind: str | None = ""
        renewed = left = unreadable = 0
        while behind is not None:
            batch = await self._resealing.step(behind)
            behind = batch.last
            renewed, left, unreadable = renewed + batch.renewed, left + batch.left, unreadable + batch.unreadable
            if stop.is_set():
                return left
            await asyncio.sleep(0)
        self._stale.set(left)
        self._unreadable.set(unreadable)
        if renewed or left or unreadable:
            _log.info("sealed_anew", rows=renewed, left=left, unreadable=unreadable)
        return left
