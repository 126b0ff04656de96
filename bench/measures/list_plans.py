"""How PostgreSQL finds what lists of bookings tell, as it explains it itself.

Invariant: what is explained are the statements that the service sends, with their values, planned as they are once
they have been sent often: PostgreSQL may have stopped looking at the values by then.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from bench.list_queries import Queries, Query
from booking.api.booking_models import BookingQuery
from booking.api.reservations import ReservationQuery
from booking.domain.actors import Actor
from booking.domain.listing import Page
from booking.store import bookings, reservations
from chassis.postgres import Connection, Database

_LISTED, _FOLLOWED = Page(50, 0), 21  # what is read for a first page, by default
_OFTEN = 7  # the sixth time is the first on which values may be left out of account

Work = Callable[[Connection, Query], Awaitable[None]]


async def explain(url: str, org_id: str, asked: Queries, now: datetime) -> dict[str, tuple[str, ...]]:
    """Tell the lines of each list's plans that read bookings."""
    actor = Actor(org_id, "staff")

    async def listed(conn: Connection, query: Query) -> None:
        given = BookingQuery.model_validate(query)
        wanted = replace(given.filter, starts_after=now) if given.upcoming else given.filter
        await bookings.page(conn, actor, wanted, _LISTED)

    async def followed(conn: Connection, query: Query) -> None:
        wanted = ReservationQuery.model_validate(query).filter
        seen = await reservations.look(conn, org_id, since=wanted.updated_since)
        await reservations.read(conn, actor, wanted, seen.start(None), settled=seen.settled, limit=_FOLLOWED)

    database = Database(url, pool_size=1, application="bench")
    async with database.opened(), database.connection() as conn:
        plans = {name: await _plans(conn, listed, query) for name, query in asked.narrow.items()}
        return plans | {name: await _plans(conn, followed, query) for name, query in asked.followed.items()}


async def _plans(conn: Connection, work: Work, query: Query) -> tuple[str, ...]:
    sent: list[tuple[str, Any]] = []
    with conn.query_logger(lambda record: sent.append((record.query, record.args))):
        await work(conn, query)
    plans = [await _plan(conn, statement, values) for statement, values in sent]
    return tuple([line.strip(" ->") for plan in plans for line in plan if " on bookings" in line])


async def _plan(conn: Connection, statement: str, values: tuple[object, ...]) -> list[str]:
    """Explain a statement; EXPLAIN of the statement itself would always look at the values."""
    given = ", ".join(_literal(value) for value in values)
    await conn.execute(f"PREPARE listed AS {statement}")
    for _ in range(_OFTEN):
        lines = await conn.fetch(f"EXPLAIN (ANALYZE, COSTS off, BUFFERS off) EXECUTE listed ({given})")
    await conn.execute("DEALLOCATE listed")
    return [line for (line,) in lines]


def _literal(value: object) -> str:
    if value is None or isinstance(value, int):
        return "NULL" if value is None else str(value)
    if isinstance(value, list):
        value = f"{{{', '.join(value)}}}"
    text = value.isoformat() if isinstance(value, date) else str(value)
    return f"'{text}'"
