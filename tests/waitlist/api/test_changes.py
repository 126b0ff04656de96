"""Changing an entry and taking it off, and what is told of it."""

from typing import Any

import pytest

from slotwire_contracts import (
    WaitlistEntryJoined,
    WaitlistEntryRemoved,
    WaitlistEntryUpdated,
)
from support.booking_service import Answer
from support.waitlist_service import PATH, Guest, WaitlistService, somebody


async def patched(guest: Guest, entry: dict[str, Any], body: dict[str, Any], **headers: str) -> Answer:
    """Try to change an entry."""
    return await guest.waitlist.patch(f"{PATH}/{entry['id']}", body, **headers)


async def removed(guest: Guest, entry: dict[str, Any], **headers: str) -> Answer:
    """Try to take an entry off."""
    return await guest.waitlist.send("DELETE", f"{PATH}/{entry['id']}", headers=headers)


async def test_what_is_given_changes_and_the_rest_stays(staff: Guest) -> None:
    location_id = await staff.location(timezone="UTC")
    entry = await staff.joined(locationId=location_id, preferredStartTime="18:00", preferredEndTime="20:00", notes="Hi")
    after = (await patched(staff, entry, {"partySize": 3, "preferredEndTime": "21:30"})).data
    changed = {name: after[name] for name in after if after[name] != entry[name]}
    assert changed == {
        "partySize": 3,
        "preferredEndTime": "21:30",
        "windowEnd": f"{entry['requestedDate']}T21:30:00Z",
        "updatedAt": after["updatedAt"],
        "version": 2,
    }
    cleared = (await patched(staff, entry, {"preferredStartTime": None, "notes": None})).data
    assert (cleared["preferredStartTime"], cleared["windowStart"], cleared["notes"]) == (None, None, None)
    assert cleared["preferredEndTime"] == "21:30"
    contact = {"name": "Jo", "email": "jo@example.com", "phone": None}
    assert (await patched(staff, entry, {"contact": contact})).data["contact"] == contact


async def test_a_change_that_changes_nothing_is_no_change(service: WaitlistService, staff: Guest) -> None:
    entry = await staff.joined(locationId=await staff.location(), partySize=2)
    for body in ({}, {"partySize": 2}, {"preferredStartTime": None}):
        assert (await patched(staff, entry, body)).data == entry
    assert len(await service.told(entry["id"])) == 1


async def test_a_change_of_another_version_changes_nothing(staff: Guest) -> None:
    entry = await staff.joined(locationId=await staff.location())
    assert (await patched(staff, entry, {"notes": "A"}, If_Match="1")).data["version"] == 2
    late = {"If-Match": '"1"'}
    for answer in (await patched(staff, entry, {"notes": "B"}, **late), await removed(staff, entry, **late)):
        assert (answer.status, answer.code) == (409, "version_conflict")
        assert answer.body["error"]["details"] == {"version": 2}
    odd = await patched(staff, entry, {"notes": "B"}, If_Match="yesterday")
    assert (odd.status, odd.body["error"]["message"]) == (422, "If-Match: must be an entry's version")
    now = (await staff.waitlist.get(f"{PATH}/{entry['id']}")).data
    assert (now["notes"], now["status"]) == ("A", "waiting")
    assert (await removed(staff, entry, **{"If-Match": "*"})).status == 200


async def test_one_that_was_taken_off_stays_so(service: WaitlistService, staff: Guest) -> None:
    entry = await staff.joined(locationId=await staff.location())
    gone = await removed(staff, entry)
    assert (gone.data["status"], gone.data["position"]) == ("removed", None)
    assert (await removed(staff, entry)).data == gone.data
    refused = await patched(staff, entry, {"notes": "Still here?"})
    assert (refused.status, refused.code) == (409, "invalid_status_transition")
    assert len(await service.told(entry["id"])) == 2


@pytest.mark.parametrize(("status", "code"), [("converted", 409), ("expired", 409), ("notified", 200)])
async def test_an_entry_leaves_from_where_the_machine_lets_it(
    service: WaitlistService, staff: Guest, status: str, code: int
) -> None:
    entry = await staff.joined(locationId=await staff.location())
    await put(service, entry, status)
    answer = await removed(staff, entry)
    assert answer.status == code
    if code == 409:
        assert answer.code == "invalid_status_transition"
        assert answer.body["error"]["details"] == {"fromStatus": status, "toStatus": "removed"}


async def test_what_was_offered_does_not_change_under_the_offer(service: WaitlistService, staff: Guest) -> None:
    entry = await staff.joined(locationId=await staff.location())
    await put(service, entry, "notified")
    refused = await patched(staff, entry, {"partySize": 5})
    assert (refused.status, refused.code, refused.body["error"]["param"]) == (
        409,
        "invalid_status_transition",
        "partySize",
    )
    assert (await patched(staff, entry, {"notes": "We come by bike"})).data["notes"] == "We come by bike"


async def put(service: WaitlistService, entry: dict[str, Any], status: str) -> None:
    """Bring an entry to a status that offers bring it to."""
    async with service.database.connection() as conn:
        await conn.execute("UPDATE entries SET status = $2 WHERE id = $1", entry["id"], status)


async def test_a_change_is_held_to_the_rules_of_joining(staff: Guest) -> None:
    location_id = await staff.location(timezone="Europe/Berlin")
    entry = await staff.joined(locationId=location_id, requestedDate="2027-03-28", preferredStartTime="01:00")
    expected: dict[tuple[str, str], dict[str, Any]] = {
        ("preferredEndTime", "gap"): {"preferredEndTime": "02:30"},
        ("preferredEndTime", "after_start"): {"preferredEndTime": "2027-03-28T00:00:00+01:00"},
        ("contact", "missing"): {"contact": {"name": "Nobody"}},
        ("partySize", "greater_than_equal"): {"partySize": 0},
    }
    for (param, rule), body in expected.items():
        refused = await patched(staff, entry, body)
        assert refused.status == 422, body
        assert [(flaw["param"], flaw["rule"]) for flaw in refused.body["error"]["details"]["errors"]] == [(param, rule)]
    assert (await staff.waitlist.get(f"{PATH}/{entry['id']}")).data == entry
    other = await staff.joined(locationId=location_id, requestedDate="2027-03-28")
    taken = await patched(staff, entry, {"contact": {"email": other["contact"]["email"].upper()}})
    assert (taken.status, taken.code) == (409, "already_waiting")


async def test_an_entry_of_an_event_has_no_times_and_no_more_than_its_spots(staff: Guest) -> None:
    instance = await staff.full_instance(3)
    asked = {"eventInstanceId": instance["uid"], "contact": somebody()}
    entry = (await staff.waitlist.post(PATH, asked)).data
    assert (await patched(staff, entry, {"partySize": 3})).data["partySize"] == 3
    refused: dict[tuple[str, str], dict[str, Any]] = {
        ("partySize", "max_attendance"): {"partySize": 4},
        ("preferredStartTime", "conflict"): {"preferredStartTime": "10:00"},
    }
    for flaw, body in refused.items():
        error = (await patched(staff, entry, body)).body["error"]
        assert (error["param"], error["details"]["errors"][0]["rule"]) == flaw


async def test_notes_change_although_the_location_is_gone_and_times_do_not(staff: Guest) -> None:
    location_id = await staff.location()
    entry = await staff.joined(locationId=location_id)
    assert (await staff.booking.delete(f"/api/v1/locations/{location_id}")).status == 200
    assert (await patched(staff, entry, {"notes": "Oh"})).status == 200
    refused = await patched(staff, entry, {"preferredStartTime": "10:00"})
    assert (refused.status, refused.body["error"]["details"]["errors"][0]["rule"]) == (422, "gone")


async def test_the_topic_tells_each_change_with_the_whole_entry(
    service: WaitlistService, staff: Guest, client: Guest
) -> None:
    """events.md section 1: "`sequence` (per resource: 1, 2, 3 … no gap)"."""
    location_id = await staff.location()
    entry = (await client.join(locationId=location_id)).data
    changed = (await staff.waitlist.patch(f"{PATH}/{entry['id']}", {"partySize": 2, "priority": 1})).data
    gone = (await removed(client, entry)).data
    joined, updated, left = await service.told(entry["id"])
    assert isinstance(joined, WaitlistEntryJoined)
    assert isinstance(updated, WaitlistEntryUpdated)
    assert isinstance(left, WaitlistEntryRemoved)
    assert updated.data.change.model_dump(mode="json") == {
        "changes": {"partySize": {"from": 1, "to": 2}, "priority": {"from": 0, "to": 1}}
    }
    assert left.data.change.reason == "guest"
    for number, (event, shown) in enumerate(zip((joined, updated, left), (entry, changed, gone), strict=True), 1):
        assert event.data.resource.model_dump(mode="json") == {
            k: v for k, v in shown.items() if k not in {"position", "estimatedWaitMinutes"}
        }
        assert (event.sequence, event.orgid, event.source) == (number, staff.org_id, "/slotwire/waitlist")
    assert [event.actor for event in (joined, updated, left)] == ["client", "staff", "client"]
    assert joined.id < updated.id < left.id
    mine = await staff.joined(locationId=location_id)
    await removed(staff, mine)
    last = (await service.told(mine["id"]))[-1]
    assert isinstance(last, WaitlistEntryRemoved)
    assert last.data.change.reason == "staff"
