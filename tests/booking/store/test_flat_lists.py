"""What a list reads grows with what it finds, and not with what there is."""

import secrets
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from booking.domain.actors import Actor
from booking.domain.listing import BookingFilter, Page
from booking.domain.status import Status
from booking.store import bookings, reservations
from chassis.migrations import migrate
from chassis.postgres import Connection, Database, database_url
from support.many_bookings import ORG, fill
from support.plans import explained, rows_read
from support.servers import Servers

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
    found, (counted, paged) = await explained(many, listing, "bookings")
    assert 0 < found.total <= 1000
    assert counted <= found.total + BESIDE
    assert paged <= len(Status) * PAGE.limit + BESIDE + PAGE.limit


@pytest.mark.parametrize("fields", [{}, {"schedule_id": "sch_wide"}, {"status": Status.COMPLETED}, WALK_INS])
async def test_the_first_page_of_a_long_list_reads_few(many: Connection, fields: dict[str, Any]) -> None:
    listing = bookings.page(many, STAFF, BookingFilter(**fields), PAGE)
    found, (_, paged) = await explained(many, listing, "bookings")
    assert found.total > 2500
    assert paged <= 2 * len(Status) * PAGE.limit + PAGE.limit


async def test_where_to_begin_to_follow_is_found_among_what_was_updated_since(many: Connection) -> None:
    since = NOW - timedelta(days=2)  # the latest update is a day ago
    _, (read,) = await explained(many, reservations.look(many, ORG, since=since), "bookings")
    a_day = 288
    assert a_day <= read <= a_day + 2


def test_the_count_of_rows_sees_what_was_left_out() -> None:
    scan = {"Relation Name": "bookings", "Actual Rows": 2, "Rows Removed by Filter": 3, "Actual Loops": 4}
    plan = {"Plans": [scan, {"Relation Name": "outbox", "Actual Rows": 7, "Actual Loops": 1}]}
    assert rows_read(plan, "bookings") == 20
