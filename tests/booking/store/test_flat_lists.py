"""What a list reads grows with what it finds, and not with what there is."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

import asyncpg
import pytest

from booking.domain.actors import Actor
from booking.domain.listing import BookingFilter, Page
from booking.domain.status import Status
from booking.store import bookings, reservations
from chassis.migrations import migrate
from chassis.postgres import Connection, Database, database_url
from support.many_bookings import ORG, fill
from support.servers import Servers

T = TypeVar("T")
ROWS = 30_000
NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
STAFF = Actor(ORG, "staff")
DAYS = {"starts_from": date(2026, 5, 20), "starts_until": date(2026, 5, 22)}
LATER = {"starts_after": NOW}
WALK_INS = {"attendee_email": "Walk-in@example.com"}
PAGE = Page(50, 0)
# Bare dates look a day further on both sides, at 288 bookings a day, and leave them out.
BESIDE = 600


@pytest.fixture(scope="module")
async def many(servers: Servers) -> AsyncIterator[Connection]:
    """A connection to a database of its own with many bookings of one organization, of which the planner knows."""
    name = f"test_{secrets.token_hex(6)}"
    await migrate(servers.postgres_url, name, ["chassis", "booking"])
    url = database_url(servers.postgres_url, name)
    async with Database(url, pool_size=1, application="tests").opened() as db, db.connection() as connection:
        await fill(connection, ROWS, NOW)
        await connection.execute("VACUUM ANALYZE bookings")
        yield connection
    server = await asyncpg.connect(servers.postgres_url)
    await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await server.close()


def rows_read(plan: Mapping[str, Any]) -> float:
    """Count the rows of bookings that a plan has read, those that it left out included."""
    below = sum(rows_read(part) for part in plan.get("Plans", ()))
    if plan.get("Relation Name") != "bookings":
        return below
    left_out = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    return float(below + (plan["Actual Rows"] + left_out) * plan["Actual Loops"])


async def explained(conn: Connection, work: Awaitable[T]) -> tuple[T, list[float]]:
    """Do some reading; answers its result, and how many rows each of its statements has read."""
    sent: list[tuple[str, Any]] = []
    with conn.query_logger(lambda record: sent.append((record.query, record.args))):
        result = await work
        await asyncio.sleep(0)  # what was sent is told a little later
    plans = [await conn.fetchval(f"EXPLAIN (ANALYZE, FORMAT json) {query}", *args) for query, args in sent]
    return result, [rows_read(plan[0]["Plan"]) for plan in plans]


@pytest.mark.parametrize(
    "fields",
    [
        {"schedule_id": "sch_rare"},
        {"event_type_id": "evt_rare"},
        {"location_id": "loc_rare"},
        {"event_instance_id": "ei_1"},
        {"attendee_email": "rare@example.com"},
        {"status": Status.PENDING},
        LATER,
        DAYS,
        {"starts_from": NOW - timedelta(days=4), "starts_until": NOW - timedelta(days=3)},
        {"schedule_id": "sch_wide", "status": Status.PENDING},
        {"schedule_id": "sch_wide", **DAYS},
        {"location_id": "loc_wide", "status": Status.PENDING},
        {"location_id": "loc_wide", "status": Status.COMPLETED, **DAYS},
        {"event_type_id": "evt_wide", "status": Status.PENDING},
        {"event_type_id": "evt_wide", **LATER},
        {"status": Status.COMPLETED, **DAYS},
        {"status": Status.CONFIRMED, **LATER},
        {**WALK_INS, **LATER},
        {**WALK_INS, "status": Status.NO_SHOW},
    ],
    ids="+".join,
)
async def test_a_list_of_few_reads_few(many: Connection, fields: dict[str, Any]) -> None:
    listing = bookings.page(many, STAFF, BookingFilter(**fields), PAGE)
    found, (counted, paged) = await explained(many, listing)
    assert 0 < found.total <= 1000
    assert counted <= found.total + BESIDE
    assert paged <= len(Status) * PAGE.limit + BESIDE + PAGE.limit


@pytest.mark.parametrize("fields", [{}, {"schedule_id": "sch_wide"}, {"status": Status.COMPLETED}, WALK_INS])
async def test_the_first_page_of_a_long_list_reads_few(many: Connection, fields: dict[str, Any]) -> None:
    listing = bookings.page(many, STAFF, BookingFilter(**fields), PAGE)
    found, (_, paged) = await explained(many, listing)
    assert found.total > 2500
    assert paged <= 2 * len(Status) * PAGE.limit + PAGE.limit


async def test_where_to_begin_to_follow_is_found_among_what_was_updated_since(many: Connection) -> None:
    since = NOW - timedelta(days=2)  # the latest update is a day ago
    _, (read,) = await explained(many, reservations.look(many, ORG, since=since))
    a_day = 288
    assert a_day <= read <= a_day + 2


def test_the_count_of_rows_sees_what_was_left_out() -> None:
    scan = {"Relation Name": "bookings", "Actual Rows": 2, "Rows Removed by Filter": 3, "Actual Loops": 4}
    assert rows_read({"Plans": [scan, {"Relation Name": "outbox", "Actual Rows": 7, "Actual Loops": 1}]}) == 20
