"""Holds and time: an expired one holds nothing, and the sweep tells of it once."""

from datetime import timedelta

import pytest

from booking.domain.errors import HoldExpiredError, SlotUnavailableError
from slotwire_contracts import HoldReleased, ReleaseReason
from support.booking_desk import ORIGIN, Desk
from support.booking_values import END, a_request

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


async def test_an_expired_hold_is_in_nobodys_way_though_no_sweep_has_run(desk: Desk) -> None:
    schedule_id = await desk.schedule()
    held = await desk.hold(schedule_id)
    desk.now = held.expires_at - SECOND
    with pytest.raises(SlotUnavailableError):
        await desk.hold(schedule_id)
    desk.now = held.expires_at
    held = await desk.hold(schedule_id)
    desk.now = held.expires_at
    assert await desk.bookings.create(desk.actor, a_request(schedule_id=schedule_id), ORIGIN, None)


async def test_no_booking_is_made_of_an_expired_hold(desk: Desk) -> None:
    held = await desk.hold(await desk.schedule())
    desk.now = held.expires_at
    with pytest.raises(HoldExpiredError):
        await desk.bookings.create(desk.actor, a_request(visit={}, hold_id=held.id), ORIGIN, None)


async def test_what_expired_is_told_of_once_and_what_was_used_never(desk: Desk) -> None:
    schedule_id = await desk.schedule()
    expired, used = await desk.hold(schedule_id), await desk.hold(schedule_id, END)
    await desk.bookings.create(desk.actor, a_request(visit={}, hold_id=used.id), ORIGIN, None)
    desk.now = expired.expires_at
    while await desk.holds.sweep_once():
        pass
    (event,) = await desk.told(expired.id, used.id)
    assert isinstance(event, HoldReleased)
    assert (event.subject, event.data.change.reason, event.sequence) == (expired.id, ReleaseReason.EXPIRED, 1)
    assert (event.orgid, event.actor, event.data.resource.expires_at) == (
        desk.actor.org_id,
        "system",
        expired.expires_at,
    )
    async with desk.db.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM occupancy WHERE hold_id = $1", expired.id) == 0


async def test_what_is_released_is_told_of(desk: Desk) -> None:
    held = await desk.hold(await desk.schedule())
    await desk.holds.release(desk.actor, held.id, ORIGIN)
    (event,) = await desk.told(held.id)
    assert isinstance(event, HoldReleased)
    assert (event.data.change.reason, event.actor, event.correlationid) == (ReleaseReason.RELEASED, "staff", "req_1")
