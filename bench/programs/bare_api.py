"""The reference of the API: an aiohttp handler that inserts the rows of a booking with asyncpg, and checks nothing.

It has copies of the service's tables with their indexes and constraints, in a database of its own on the same server.
Its rows are copies of those of one real booking of the same kind, for another attendee at another place and time, and
its answer and event are that booking's, byte for byte but for the id. It keeps no idempotency keys. Invariants: one
transaction a booking, one statement a table; pool, loop and collector are set as in the service.
"""

import functools
import itertools
import time
from collections import Counter
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
_REPLACED = {
    "bookings": ("id", "schedule_id", "location_id", "start_time", "end_time", "attendee_email", "attendee_slot"),
    "history": ("event_id", "booking_id"),
}


@dataclass(frozen=True)
class Model:
    """A booking to imitate.

    Attributes:
        answer: what the service answered.
        event: what it published.
    """

    booking_id: str
    event_id: str
    answer: str
    event: str


@dataclass(frozen=True)
class Spec:
    """Where to serve, and the bookings to imitate.

    Attributes:
        model_url: the service's database, where they are.
        url: the database to write to.
        models: the fields of a `Model`, of a booking without a location and, where there are such, of one with it.
        resources: the resources of each schedule and location.
    """

    port: int
    pool_size: int
    model_url: str
    url: str
    models: list[dict[str, str]]
    resources: dict[str, list[int]]


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


@dataclass(frozen=True)
class Imitation:
    """How a booking is imitated."""

    booking: Copy
    history: Copy
    answer: bytes
    event: bytes
    booking_id: bytes

    @classmethod
    async def of(cls, conn: "asyncpg.Connection[Any]", model: Model) -> "Imitation":
        """Read a model's rows."""
        return cls(
            await Copy.of(conn, "bookings", "id", model.booking_id),
            await Copy.of(conn, "history", "event_id", model.event_id),
            model.answer.encode(),
            model.event.encode(),
            model.booking_id.encode(),
        )


class Handler:
    """The one operation."""

    def __init__(self, spec: Spec, pool: "asyncpg.Pool[Any]", imitations: list[Imitation]) -> None:
        self._spec = spec
        self._pool = pool
        self._imitations = imitations
        self._numbers = itertools.count(time.time_ns())
        self._taken: Counter[tuple[str, str]] = Counter()

    async def create(self, request: web.Request) -> web.Response:
        """Insert a booking and its rows; answer it."""
        asked = from_json(await request.read())
        imitation = self._imitations[-1 if "location_id" in asked else 0]
        number = next(self._numbers)
        booking_id, event_id = f"bk_{number:026x}", f"evt_{number:026x}"
        await self._insert(asked, imitation, booking_id, event_id)
        body = imitation.answer.replace(imitation.booking_id, booking_id.encode())
        return web.Response(status=201, body=body, content_type="application/json")

    async def _insert(self, asked: dict[str, Any], imitation: Imitation, booking_id: str, event_id: str) -> None:
        schedule, location, email = asked["schedule_id"], asked.get("location_id"), asked["attendee"]["email"]
        start, end = datetime.fromisoformat(asked["start_time"]), datetime.fromisoformat(asked["end_time"])
        begins, ends = int(start.timestamp()), int(end.timestamp())
        resources = [self._free(owner, asked["start_time"]) for owner in (schedule, location) if owner is not None]
        own = booking_id, schedule, location, start, end, email, f"{schedule} {begins} {email}"
        key = booking_id.encode()
        event = imitation.event.replace(imitation.booking_id, key)
        async with self._pool.acquire() as conn, conn.transaction():
            await conn.execute(_occupying(len(resources)), begins, ends, booking_id, *resources)
            await conn.execute(imitation.booking.statement, *own, *imitation.booking.values)
            await conn.execute(imitation.history.statement, event_id, booking_id, *imitation.history.values)
            await conn.execute(_OUTBOX, event_id, "booking.events", key, event)

    def _free(self, owner: str, start: str) -> int:
        """Answer the resource of an owner that the next booking of that start has."""
        self._taken[owner, start] += 1
        return self._spec.resources[owner][self._taken[owner, start] - 1]


@functools.cache
def _occupying(count: int) -> str:
    rows = ", ".join(f"(${place}::integer, slot(${place}, $1, $2), $3::text)" for place in range(4, 4 + count))
    return f"INSERT INTO occupancy (resource_no, during, booking_id) VALUES {rows}"


async def _speak_json(conn: "asyncpg.Connection[Any]") -> None:
    await conn.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=lambda value: to_json(value).decode(), decoder=from_json
    )


async def _keep_state(_: Any) -> None:
    """Stand in for asyncpg's reset query, which the service does without too."""


async def _imitations(spec: Spec) -> list[Imitation]:
    conn = await asyncpg.connect(spec.model_url)
    try:
        await _speak_json(conn)
        return [await Imitation.of(conn, Model(**model)) for model in spec.models]
    finally:
        await conn.close()


async def main(spec: Spec) -> None:
    """Serve until told to stop."""
    imitations = await _imitations(spec)
    pool = await asyncpg.create_pool(spec.url, min_size=0, max_size=spec.pool_size, init=_speak_json, reset=_keep_state)
    app = web.Application()
    app.router.add_post(PATH, Handler(spec, pool, imitations).create)
    try:
        await serve(app, host=HOST, port=spec.port, drain_seconds=1.0)
    finally:
        await pool.close()


if __name__ == "__main__":
    run(functools.partial(main, spec_of(Spec)))
