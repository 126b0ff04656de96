"""What is answered while the booking service is away: what needs it is a 503, and the rest goes on."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from devstack.ports import HOST, free_port
from support.servers import Servers
from support.waitlist_service import EVENTS, PATH, Guest, WaitlistService, running_waitlist, somebody


@pytest.fixture
async def cut_off(servers: Servers, service: WaitlistService, staff: Guest) -> AsyncIterator[Guest]:
    """Staff whose waitlist service finds no booking service."""
    away = f"http://{HOST}:{free_port()}"
    async with running_waitlist(servers, service.booking, booking_url=away) as alone:
        yield replace(staff, waitlist=replace(staff.waitlist, base=alone.base, http=alone.http))


async def test_what_needs_booking_is_told_to_come_again(staff: Guest, cut_off: Guest) -> None:
    location_id = await staff.location()
    entry = await staff.joined(locationId=location_id)
    one = f"{PATH}/{entry['id']}"
    for answer in (
        await cut_off.join(locationId=location_id, contact=somebody()),
        await cut_off.waitlist.patch(one, {"partySize": 2}),
        await cut_off.waitlist.get(f"{PATH}/policies/{location_id}"),
    ):
        assert (answer.status, answer.code) == (503, "unavailable")
        assert answer.headers["Retry-After"] == "1"
    events = await cut_off.waitlist.post(
        EVENTS, {"business_id": staff.org_id, "event_instance_id": "i", "client_id": "c"}
    )
    assert (events.status, events.body) == (
        503,
        {"status": "Error", "error": "the booking service does not answer; try again"},
    )
    assert (await cut_off.waitlist.get(one)).data == entry
    assert (await cut_off.waitlist.patch(one, {"notes": "Hi"})).data["notes"] == "Hi"
    assert (await cut_off.waitlist.delete(one)).data["status"] == "removed"
    assert len((await cut_off.waitlist.get(PATH)).data) == 1
