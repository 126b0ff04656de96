"""Waiting that ends by itself, beside a real booking service."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chassis.clock import utc_now
from chassis.ids import new_id, next_id
from chassis.postgres import Database
from chassis.unit import UnitOfWork
from slotwire_contracts import WaitlistEntryRemoved, decode
from support.event_instances import add_instance
from support.waiting_entries import an_org, put, statuses, waits
from support.waitlist_service import Guest, WaitlistService
from waitlist.client.booking import BookingClient
from waitlist.domain.errors import UnavailableError
from waitlist.domain.policy import Policy
from waitlist.domain.status import Status
from waitlist.service.closing import BATCH, Closing
from waitlist.service.ids import Ids
from waitlist.service.telling import Telling
from waitlist.store import policies

PAST = datetime.now(UTC).date() - timedelta(days=2)
COMING = datetime.now(UTC).date() + timedelta(days=2)


@pytest.fixture
async def closing(service: WaitlistService, alone: Database) -> AsyncIterator[Closing]:
    """The use case over a database on which nothing else works."""
    booking = BookingClient(service.booking.base, service.settings.booking_key, seconds=5.0)
    async with booking.opened():
        units = UnitOfWork(alone, lambda: None)
        yield Closing(units, alone, Telling(booking), utc_now, Ids(new_id, next_id))


async def told(database: Database, org_id: str) -> list[tuple[str, str, str]]:
    """What the outbox tells, of an organization's entries alone: whose, why, and by whom."""
    async with database.connection() as conn:
        events = [decode(row["value"]) for row in await conn.fetch("SELECT value FROM outbox ORDER BY id")]
    removed = [event for event in events if isinstance(event, WaitlistEntryRemoved) and event.orgid == org_id]
    assert len(removed) == len(events)
    return [(event.subject, event.data.change.reason, str(event.actor)) for event in removed]


async def test_entries_whose_date_has_passed_expire_and_the_others_wait_on(
    closing: Closing, alone: Database, staff: Guest
) -> None:
    location_id, org = await staff.location(), staff.org_id
    past = [waits(org, location_id=location_id, day=PAST) for _ in range(2)]
    later = replace(past[0], id=new_id("wle"), client_id="cli_late", window_end=utc_now() + timedelta(hours=1))
    offered = replace(past[0], id=new_id("wle"), client_id="cli_offered", status=Status.NOTIFIED)
    coming = waits(org, location_id=location_id, day=COMING)
    await put(alone, *past, later, offered, coming)
    for _ in range(2):
        await closing.close(org, past[0].queue)
        await closing.close(org, coming.queue)
    assert await statuses(alone, org) == {
        **{entry.id: Status.EXPIRED for entry in past},
        later.id: Status.WAITING,
        offered.id: Status.NOTIFIED,
        coming.id: Status.WAITING,
    }
    assert sorted(await told(alone, org)) == sorted((entry.id, "expired", "system") for entry in past)


async def test_however_many_there_are_all_expire(closing: Closing, alone: Database, staff: Guest) -> None:
    location_id, org = await staff.location(), staff.org_id
    many = [waits(org, location_id=location_id, day=PAST) for _ in range(2 * BATCH + 5)]
    await put(alone, *many)
    await closing.close(org, many[0].queue)
    assert set((await statuses(alone, org)).values()) == {Status.EXPIRED}
    assert len(await told(alone, org)) == len(many)


async def test_entries_for_an_event_expire_at_its_cut_off(closing: Closing, alone: Database, staff: Guest) -> None:
    instance, org = await add_instance(staff.booking), staff.org_id
    entry = waits(org, instance_id=instance["uid"])
    await put(alone, entry)
    await closing.close(org, entry.queue)
    assert await statuses(alone, org) == {entry.id: Status.WAITING}
    async with alone.connection() as conn:
        policy = Policy(offer_minutes=15, cutoff_minutes=31 * 24 * 60)
        await policies.put(conn, org, instance["service_id"], policy)
    await closing.close(org, entry.queue)
    assert await statuses(alone, org) == {entry.id: Status.EXPIRED}
    assert await told(alone, org) == [(entry.id, "expired", "system")]


async def test_entries_for_an_event_that_is_called_off_are_removed(
    closing: Closing, alone: Database, staff: Guest
) -> None:
    uid, org = (await add_instance(staff.booking))["uid"], staff.org_id
    entry = waits(org, instance_id=uid)
    await put(alone, entry)
    assert (await staff.booking.post(f"/v2/event_instances/{uid}/cancel", {})).status == 200
    await closing.close(org, entry.queue)
    assert await statuses(alone, org) == {entry.id: Status.REMOVED}
    assert await told(alone, org) == [(entry.id, "event_cancelled", "system")]


async def test_who_is_being_changed_right_now_is_left_for_the_next_time(
    closing: Closing, alone: Database, staff: Guest
) -> None:
    location_id, org = await staff.location(), staff.org_id
    one, other = [waits(org, location_id=location_id, day=PAST) for _ in range(2)]
    await put(alone, one, other)
    async with alone.transaction() as conn:
        await conn.execute("SELECT FROM entries WHERE id = $1 FOR UPDATE", one.id)
        await closing.close(org, one.queue)
    assert await statuses(alone, org) == {one.id: Status.WAITING, other.id: Status.EXPIRED}
    await closing.close(org, one.queue)
    assert await statuses(alone, org) == {one.id: Status.EXPIRED, other.id: Status.EXPIRED}


async def test_while_booking_is_away_nobody_expires(alone: Database) -> None:
    org = an_org()
    entry = waits(org, day=PAST)
    await put(alone, entry)
    booking = BookingClient("http://127.0.0.1:1", "key", seconds=1.0)
    async with booking.opened():
        closing = Closing(UnitOfWork(alone, lambda: None), alone, Telling(booking), utc_now, Ids(new_id, next_id))
        with pytest.raises(UnavailableError):
            await closing.close(org, entry.queue)
        await closing.close(org, "nobody/2026-01-01")  # where nobody waits, booking is not asked
    assert await statuses(alone, org) == {entry.id: Status.WAITING}
