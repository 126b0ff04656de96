"""The composed service works without being asked: what falls free, what is over, what was missed."""

from datetime import UTC, datetime, timedelta

from chassis.postgres import Database
from slotwire_contracts import WaitlistEntryRemoved
from support.servers import Servers
from support.waiting import eventually
from support.waiting_entries import marked, put, statuses, waits
from support.waitlist_service import PATH, Guest, WaitlistService, running_waitlist
from waitlist.domain.status import Status


async def test_when_an_event_is_called_off_who_waits_for_it_is_told(service: WaitlistService, staff: Guest) -> None:
    """From booking's commit through the topic, the mark and the worker to the waitlist's own topic."""
    uid = (await staff.full_instance())["uid"]
    entry = await staff.joined(eventInstanceId=uid, requestedDate=None)
    assert (await staff.booking.post(f"/v2/event_instances/{uid}/cancel", {})).status == 200

    async def is_removed() -> bool:
        return bool((await staff.waitlist.get(f"{PATH}/{entry['id']}")).data["status"] == "removed")

    await eventually(is_removed)
    last = (await service.told(entry["id"]))[-1]
    assert isinstance(last, WaitlistEntryRemoved)
    assert (last.data.change.reason, last.actor) == ("event_cancelled", "system")


async def test_joining_changing_and_leaving_have_the_queue_matched(
    servers: Servers, service: WaitlistService, staff: Guest, db: Database
) -> None:
    matched = []

    async def match(org_id: str, queue: str) -> None:
        matched.append((org_id, queue))

    location_id = await staff.location()
    async with running_waitlist(servers, service.booking, match=match) as other:
        guest = Guest(type(staff.waitlist)(staff.org_id, other.base, other.http, staff.waitlist.headers), staff.booking)

        async def is_matched() -> bool:
            """The other member of the run may take the queue instead."""
            entry = await guest.joined(locationId=location_id)
            path = f"{PATH}/{entry['id']}"
            assert (await guest.waitlist.patch(path, {"notes": "By the window"})).status == 200
            assert (await guest.waitlist.delete(path)).status == 200
            return any(org_id == staff.org_id and queue.startswith(location_id) for org_id, queue in matched)

        await eventually(is_matched)

        async def is_done() -> bool:
            return not await marked(db, staff.org_id)

        await eventually(is_done)


async def test_the_sweep_finds_whatever_was_missed(
    servers: Servers, service: WaitlistService, staff: Guest, db: Database
) -> None:
    location_id = await staff.location()
    entry = waits(staff.org_id, location_id=location_id, day=datetime.now(UTC).date() - timedelta(days=2))
    await put(db, entry)  # of which nobody tells
    async with db.connection() as conn:
        await conn.execute("UPDATE sweep SET due_at = '-infinity'")
    async with running_waitlist(servers, service.booking, waitlist_sweep=0.5):

        async def is_expired() -> bool:
            return (await statuses(db, staff.org_id))[entry.id] is Status.EXPIRED

        await eventually(is_expired, within=75)


async def test_operators_see_what_is_due(service: WaitlistService) -> None:
    async with service.http.get(f"{service.base}/metrics") as response:
        metrics = await response.text()
    for name in ("due_queues", "oldest_mark_seconds", "matches_total", "matches_in_flight", "match_seconds_count"):
        assert f"slotwire_waitlist_{name}" in metrics
