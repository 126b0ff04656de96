"""What lets a place be offered once more to who let it go by for good: what falls free there, and nothing else."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.clock import utc_now
from chassis.ids import new_id
from chassis.postgres import Database
from slotwire_contracts import CATALOG
from support.booking_service import text
from support.catalog_events import CHANGES, a_catalog_event, a_resource
from support.waiting_entries import an_org, put, waits
from waitlist.domain.entry import Entry
from waitlist.domain.offer import Offer, OfferState
from waitlist.service.due import Due
from waitlist.store import offers

AT = datetime(2026, 12, 24, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)
EVENING = {"location_id": "loc_1", "table_ids": ["tbl_9"], "start_time": text(AT), "end_time": text(AT + 2 * HOUR)}


def an_offer(entry: Entry, state: OfferState = OfferState.DECLINED) -> Offer:
    """An offer of tables for an evening, held as `hld_ours`."""
    return Offer(
        id=new_id("wlo"),
        org_id=entry.org_id,
        entry_id=entry.id,
        queue=entry.queue,
        attempt=1,
        round="wlo_1",
        held=True,
        start_time=AT,
        end_time=AT + 2 * HOUR,
        party_size=2,
        title=None,
        table_ids=("tbl_1",),
        hold_minutes=16,
        hold_id="hld_ours",
        hold_open=state is OfferState.LIVE,
        leaves=False,
        state=state,
        expires_at=AT,
        made_by="system",
        request_id="req_1",
        leased_until=AT,
    )


async def offered(database: Database, state: OfferState = OfferState.DECLINED) -> Entry:
    """Somebody who waits, and was offered an evening."""
    entry = waits(an_org())
    await put(database, entry)
    async with database.connection() as conn:
        await offers.insert(conn, an_offer(entry, state))
    return entry


async def is_reopened(database: Database, entry: Entry) -> bool:
    """Tell whether it may be offered that once more."""
    async with database.connection() as conn:
        return bool(await conn.fetchval("SELECT reopened FROM offers WHERE entry_id = $1", entry.id))


async def hears(
    database: Database, entry: Entry, kind: str, change: Mapping[str, Any] | None = None, **of: Any
) -> None:
    """Hear an event of booking."""
    resource = a_resource(CATALOG[kind].resource, **of)
    told = CHANGES[kind] if change is None else change
    event = a_catalog_event(kind, resource=resource, change=told, orgid=entry.org_id, time=AT - timedelta(days=9))
    await Due(database, utc_now).hear(event)


@pytest.mark.parametrize("state", [OfferState.DECLINED, OfferState.EXPIRED, OfferState.LIVE])
async def test_a_booking_that_is_given_up_at_that_time_reopens_it(alone: Database, state: OfferState) -> None:
    entry = await offered(alone, state)
    later = {"start_time": text(AT + 2 * HOUR), "end_time": text(AT + 4 * HOUR)}
    await hears(alone, entry, "reservation.cancelled", **{**EVENING, **later})
    assert not await is_reopened(alone, entry)
    await hears(alone, replace(entry, org_id=an_org()), "reservation.cancelled", **EVENING)
    assert not await is_reopened(alone, entry)
    await hears(alone, entry, "reservation.cancelled", **EVENING)
    assert await is_reopened(alone, entry)


async def test_the_hold_of_an_offer_that_is_given_back_reopens_nothing(alone: Database) -> None:
    entry = await offered(alone)
    await hears(alone, entry, "hold.released", {"reason": "released"}, **EVENING, id="hld_ours")
    assert not await is_reopened(alone, entry)
    await hears(alone, entry, "hold.released", {"reason": "expired"}, **EVENING, id="hld_theirs")
    assert await is_reopened(alone, entry)


async def test_another_table_reopens_all_of_a_location(alone: Database) -> None:
    entry = await offered(alone)
    await hears(alone, entry, "table.created", location_id="loc_2")
    assert not await is_reopened(alone, entry)
    await hears(alone, entry, "table.created", location_id="loc_1")
    assert await is_reopened(alone, entry)
