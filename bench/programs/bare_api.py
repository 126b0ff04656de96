"""The reference of the API: an aiohttp handler that inserts the rows of a booking with asyncpg, and checks nothing.

It has copies of the service's tables with their indexes and constraints, in a database of its own on the same server.
Its rows are copies of those of one real booking under new ids and times, and its answer and event are that booking's,
byte for byte but for the id. Invariants: one transaction a booking, one statement a table; pool, loop and collector
are set as in the service.
"""

import functools
import itertools
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from aiohttp import web
from pydantic_core import from_json, to_json

from bench.bookings import PATH
from bench.child import spec_of
from bench.programs.generator import HOST
from chassis.lifecycle import run, serve

_OUTBOX = "INSERT INTO outbox (event_id, topic, key, value) VALUES ($1, $2, $3, $4)"
_OCCUPANCY = "INSERT INTO occupancy (resource_no, during, booking_id) VALUES ($1, slot($1, $2, $3), $4)"
_REPLACED = {"bookings": ("id", "schedule_id", "start_time", "end_time"), "history": ("event_id", "booking_id")}


@dataclass(frozen=True)
class Spec:
    """Where to serve, and the booking to imitate.

    Attributes:
        model_url: the service's database, where that booking is.
        url: the database to write to.
        resources: the resource of each schedule.
        answer: what the service answered.
        event: what it published.
    """

    port: int
    pool_size: int
    model_url: str
    url: str
    booking_id: str
    event_id: str
    resources: dict[str, int]
    answer: str
    event: str


@dataclass(frozen=True)
class Copy:
    """An insert of a copy of a row: some columns are given anew, the others are the model's."""

    statement: str
    values: tuple[Any, ...]

    @classmethod
    async def of(cls, conn: "asyncpg.Connection[Any]", table: str, key: str, value: str) -> "Copy":
        """Read the model's row."""
        row = await conn.fetchrow(f"SELECT * FROM {table} WHERE {key} = $1", value)
        if row is None:
            raise LookupError(f"{table} has no {value}")
        first = _REPLACED[table]
        rest = [name for name in row.keys() if name not in first]  # noqa: SIM118 - a Record's own iteration is by value
        columns = [*first, *rest]
        places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
        return cls(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", tuple(row[name] for name in rest))


class Handler:
    """The one operation."""

    def __init__(self, spec: Spec, pool: "asyncpg.Pool[Any]", booking: Copy, history: Copy) -> None:
        self._spec = spec
        self._pool = pool
        self._booking = booking
        self._history = history
        self._answer, self._event = spec.answer.encode(), spec.event.encode()
        self._model = spec.booking_id.encode()
        self._numbers = itertools.count(time.time_ns())

    async def create(self, request: web.Request) -> web.Response:
        """Insert a booking and its rows; answer it."""
        asked = from_json(await request.read())
        number = next(self._numbers)
        booking_id, event_id = f"bk_{number:026x}", f"evt_{number:026x}"
        await self._insert(asked, booking_id, event_id)
        body = self._answer.replace(self._model, booking_id.encode())
        return web.Response(status=201, body=body, content_type="application/json")

    async def _insert(self, asked: dict[str, Any], booking_id: str, event_id: str) -> None:
        schedule = asked["schedule_id"]
        start, end = datetime.fromisoformat(asked["start_time"]), datetime.fromisoformat(asked["end_time"])
        key = booking_id.encode()
        async with self._pool.acquire() as conn, conn.transaction():
            await conn.execute(
                _OCCUPANCY, self._spec.resources[schedule], int(start.timestamp()), int(end.timestamp()), booking_id
            )
            await conn.execute(self._booking.statement, booking_id, schedule, start, end, *self._booking.values)
            await conn.execute(self._history.statement, event_id, booking_id, *self._history.values)
            await conn.execute(_OUTBOX, event_id, "booking.events", key, self._event.replace(self._model, key))


async def _speak_json(conn: "asyncpg.Connection[Any]") -> None:
    await conn.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=lambda value: to_json(value).decode(), decoder=from_json
    )


async def _keep_state(_: Any) -> None:
    """Stand in for asyncpg's reset query, which the service does without too."""


async def _models(spec: Spec) -> tuple[Copy, Copy]:
    conn = await asyncpg.connect(spec.model_url)
    try:
        await _speak_json(conn)
        return (
            await Copy.of(conn, "bookings", "id", spec.booking_id),
            await Copy.of(conn, "history", "event_id", spec.event_id),
        )
    finally:
        await conn.close()


async def main(spec: Spec) -> None:
    """Serve until told to stop."""
    booking, history = await _models(spec)
    pool = await asyncpg.create_pool(spec.url, min_size=0, max_size=spec.pool_size, init=_speak_json, reset=_keep_state)
    app = web.Application()
    app.router.add_post(PATH, Handler(spec, pool, booking, history).create)
    try:
        await serve(app, host=HOST, port=spec.port, drain_seconds=1.0)
    finally:
        await pool.close()


if __name__ == "__main__":
    run(functools.partial(main, spec_of(Spec)))
