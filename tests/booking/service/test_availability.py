"""Looking for free time asks the database the same few questions, however much is booked and however long it looks."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest

from booking.domain.creation import Attendee
from booking.domain.search import Search
from booking.service.availability import Availability
from chassis.postgres import Database, database_url
from support.booking_desk import ORIGIN, Desk
from support.booking_service import somebody
from support.booking_values import START, a_request
from support.servers import Servers

HOUR = timedelta(hours=1)


@pytest.fixture
async def single_db(desk: Desk, servers: Servers) -> AsyncIterator[Database]:
    """The desk's database through one connection, which can be listened to."""
    async with desk.db.connection() as conn:
        name = await conn.fetchval("SELECT current_database()")
    async with Database(database_url(servers.postgres_url, name), pool_size=1, application="tests").opened() as opened:
        yield opened


async def statements(db: Database, desk: Desk, schedule_id: str, until: date) -> tuple[int, int]:
    """Count what is asked of the database, and what is offered."""
    asked: dict[str, Any] = dict.fromkeys(Search.__dataclass_fields__)
    asked |= {"schedule_id": schedule_id, "party_size": 1, "duration_minutes": 60, "until": until}
    texts: list[str] = []

    def note(record: Any) -> None:
        texts.append(record.query)

    async with db.connection() as conn:
        conn.add_query_logger(note)
    offer = await Availability(db, desk.clock).find(desk.actor, Search(**asked))
    async with db.connection() as conn:
        conn.remove_query_logger(note)
    return len(texts), len(offer.slots)


@pytest.mark.parametrize(("limit", "asked"), [({}, 3), ({"max_bookings_per_day": 9}, 4)])
async def test_a_month_takes_as_many_statements_as_a_day_and_a_busy_one_as_a_free_one(
    desk: Desk, single_db: Database, limit: dict[str, int], asked: int
) -> None:
    schedule_id = await desk.schedule(capacity=2, **limit)
    day, month = (START + timedelta(days=days) for days in (0, 60))
    await statements(single_db, desk, schedule_id, day.date())  # a connection asks about types once
    assert await statements(single_db, desk, schedule_id, day.date()) == (asked, 24 + 15)
    assert await statements(single_db, desk, schedule_id, month.date()) == (asked, 61 * 24 + 15)
    for number in range(40):
        start = START + number * timedelta(hours=13)
        visit = {"schedule_id": schedule_id, "start_time": start, "end_time": start + HOUR}
        await desk.bookings.create(desk.actor, a_request(visit=visit, attendee=Attendee(**somebody())), ORIGIN, None)
    assert (await statements(single_db, desk, schedule_id, month.date()))[0] == asked
