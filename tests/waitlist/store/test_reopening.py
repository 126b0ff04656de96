"""What is asked of offers when something falls free is no more than it takes, however many there have been."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from chassis.clock import utc_now
from chassis.postgres import Database
from slotwire_contracts import CATALOG, AnyEvent
from support.booking_service import text
from support.catalog_events import a_catalog_event, a_resource
from support.moments import held
from support.plans import explained
from support.waiting import eventually
from support.waiting_entries import an_org, marked, put, waits
from support.waitlist_values import NOW
from waitlist.domain.entry import Entry
from waitlist.service.due import Due
from waitlist.store import reopening

AT = datetime(2026, 12, 24, 18, tzinfo=UTC)
MANY = 5_000
_FILL = """
INSERT INTO offers (
    id, org_id, entry_id, queue, attempt, round, held, start_time, end_time, party_size, table_ids, hold_minutes,
    hold_id, hold_open, leaves, state, expires_at, made_by, request_id, leased_until
)
SELECT 'wlo_' || number, $1, $2, $3, 1, 'wlo_1', true, $4::timestamptz, $4 + interval '1 hour', 2, '{tbl_1}', 15,
    nullif('hld_' || number, 'hld_7'), false, false, 'expired', $4, 'system', 'req_1', $4
FROM generate_series(1, $5) AS number
"""


@pytest.fixture
async def entry(alone: Database) -> Entry:
    """Somebody who waits, and was offered something very often."""
    entry = waits(an_org())
    await put(alone, entry)
    async with alone.connection() as conn:
        await conn.execute(_FILL, entry.org_id, entry.id, entry.queue, AT, MANY)
        await conn.execute("VACUUM ANALYZE offers")
    return entry


@pytest.mark.parametrize(("hold_id", "is_ours"), [("hld_8", True), ("hld_7", False), ("hld_none", False)])
async def test_whose_a_hold_was_is_found_at_once(alone: Database, entry: Entry, hold_id: str, *, is_ours: bool) -> None:
    async with alone.connection() as conn:
        found, (read,) = await explained(conn, reopening.is_ours(conn, entry.org_id, hold_id), "offers")
        assert not await reopening.is_ours(conn, an_org(), hold_id)
    assert (found, read) == (is_ours, is_ours)


async def test_no_offer_is_looked_at_where_nobody_waits(alone: Database, entry: Entry) -> None:
    async with held(alone, "LOCK TABLE offers IN ACCESS EXCLUSIVE MODE") as hold:
        await Due(alone, utc_now).hear(a_release(entry, "loc_2"))
        hearing = asyncio.create_task(Due(alone, utc_now).hear(a_release(entry, "loc_1")))
        await eventually(hold.is_waited_for)
    await hearing
    assert await marked(alone, entry.org_id) == {entry.queue}


def a_release(entry: Entry, location_id: str) -> AnyEvent:
    """A hold of somebody else's for the evening that is given back."""
    times = {"start_time": text(AT), "end_time": text(AT + timedelta(hours=1))}
    resource = a_resource(CATALOG["hold.released"].resource, location_id=location_id, table_ids=["tbl_1"], **times)
    change = {"reason": "released"}
    return a_catalog_event("hold.released", resource=resource, change=change, orgid=entry.org_id, time=NOW)
