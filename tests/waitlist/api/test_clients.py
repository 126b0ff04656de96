"""What the key of a client may do: to its own client's entries, and to no other's (api.md section 1)."""

import asyncio

import pytest

from chassis.identity import KeyKind
from support.booking_service import Caller
from support.waitlist_service import DATE, PATH, SCOPES, Guest, WaitlistService, somebody


async def test_a_client_joins_for_itself(client: Guest) -> None:
    location_id = await client.location()
    entry = (await client.join(locationId=location_id)).data
    assert (entry["userId"], entry["initiator"], entry["contact"]) == (client.client_id, "client", None)
    named = await client.join(locationId=await client.location(), userId=client.client_id)
    assert named.data["userId"] == client.client_id


@pytest.mark.parametrize(
    ("fields", "param"),
    [({"userId": "cli_other"}, "userId"), ({"priority": 1}, "priority"), ({"priority": -1}, "priority")],
)
async def test_what_is_the_staffs_to_ask_is_forbidden(client: Guest, fields: dict[str, object], param: str) -> None:
    refused = await client.join(locationId=await client.location(), **fields)
    assert (refused.status, refused.code, refused.body["error"]["param"]) == (403, "forbidden", param)


async def test_a_client_gives_itself_no_priority_later_either(client: Guest) -> None:
    entry = (await client.join(locationId=await client.location())).data
    refused = await client.waitlist.patch(f"{PATH}/{entry['id']}", {"priority": 1})
    assert (refused.status, refused.code) == (403, "forbidden")


async def test_a_client_sees_and_changes_its_own_entries_alone(
    service: WaitlistService, staff: Guest, client: Guest
) -> None:
    location_id = await staff.location()
    other = await service.client(staff)
    mine = (await client.join(locationId=location_id)).data
    theirs = (await other.join(locationId=location_id)).data
    nobodys = await staff.joined(locationId=location_id)
    assert (mine["position"], theirs["position"]) == (1, 2)
    for query in ("", f"?locationId={location_id}", f"?requestedDate={DATE}&status=waiting"):
        listed = await client.waitlist.get(f"{PATH}{query}")
        assert ([entry["id"] for entry in listed.data], listed.body["pagination"]["total"]) == ([mine["id"]], 1)
    for entry in (theirs, nobodys):
        path = f"{PATH}/{entry['id']}"
        for answer in (
            await client.waitlist.get(path),
            await client.waitlist.patch(path, {"partySize": 9}),
            await client.waitlist.delete(path),
        ):
            assert (answer.status, answer.code) == (404, "not_found")
        assert (await staff.waitlist.get(path)).data == entry
    path = f"{PATH}/{mine['id']}"
    assert (await client.waitlist.patch(path, {"partySize": 3})).data["partySize"] == 3
    assert (await client.waitlist.delete(path)).data["status"] == "removed"


async def test_policies_are_the_staffs(client: Guest) -> None:
    path = f"{PATH}/policies/{await client.location()}"
    for answer in (await client.waitlist.get(path), await client.waitlist.send("PUT", path, {})):
        assert (answer.status, answer.code) == (403, "forbidden")


async def test_scopes_are_needed(service: WaitlistService, staff: Guest) -> None:
    """Seed 000: "Permissions: booking_waitlist.read", "booking_waitlist.manage"."""
    reader = await service.caller(staff.org_id, scopes=frozenset({"booking_waitlist.read"}))
    manager = await service.caller(staff.org_id, scopes=frozenset({"booking_waitlist.manage"}))
    nobody = await service.caller(staff.org_id, scopes=frozenset({"bookings.manage"}))
    location_id = await staff.location()
    entry = await staff.joined(locationId=location_id)
    one, policy = f"{PATH}/{entry['id']}", f"{PATH}/policies/{location_id}"
    for path in (PATH, one, policy):
        assert [(await key.get(path)).status for key in (reader, manager, nobody)] == [200, 200, 403]
    for method, path in (("POST", PATH), ("PATCH", one), ("DELETE", one), ("PUT", policy)):
        assert [(await key.send(method, path, {})).status for key in (reader, nobody)] == [403, 403]
        assert (await manager.send(method, path, {})).status in {200, 422}


async def test_without_a_key_nothing_is_answered(staff: Guest) -> None:
    stranger = Caller(staff.org_id, staff.waitlist.base, staff.waitlist.http, {})
    refused = await stranger.get(PATH)
    assert (refused.status, refused.code) == (401, "unauthenticated")


async def test_our_other_services_call_for_an_organization(service: WaitlistService, staff: Guest) -> None:
    internal = service.booking.waitlist(staff.org_id)
    caller = Caller(staff.org_id, service.base, service.http, internal.headers)
    body = {"locationId": await staff.location(), "requestedDate": DATE, "contact": somebody()}
    assert (await caller.post(PATH, body)).data["initiator"] == "system"


async def test_of_twenty_requests_at_once_one_joins(service: WaitlistService, staff: Guest) -> None:
    location_id, client_id = await staff.location(), await staff.client()
    key = await service.caller(staff.org_id, KeyKind.CLIENT, SCOPES, client_id)
    body = {"locationId": location_id, "requestedDate": DATE}
    answers = await asyncio.gather(*(key.post(PATH, body) for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [201, *[409] * 19]


async def test_of_twenty_guests_at_once_as_many_get_in_as_may(staff: Guest) -> None:
    location_id = await staff.location()
    await staff.waitlist.send("PUT", f"{PATH}/policies/{location_id}", {"maxEntries": 7})
    answers = await asyncio.gather(*(staff.join(locationId=location_id, contact=somebody()) for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [*[201] * 7, *[409] * 13]
    listed = (await staff.waitlist.get(f"{PATH}?locationId={location_id}")).data
    assert [entry["position"] for entry in listed] == list(range(1, 8))
