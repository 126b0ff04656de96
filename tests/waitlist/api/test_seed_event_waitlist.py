"""Seed 002: joining the waitlist of an event, and its family's way off it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.identity import KeyKind
from support.booking_service import Answer, text
from support.event_instances import add_instance, add_service, hold
from support.waitlist_service import EVENTS, PATH, Guest, WaitlistService


def refused(answer: Answer) -> Any:
    """The sentence of an answer that must be a refusal in the seed's shape."""
    assert answer.status == 422, answer.body
    assert list(answer.body) == ["status", "error"]
    assert answer.body["status"] == "Error"
    return answer.body["error"]


async def test_the_seeds_own_request_gets_the_seeds_own_answer(staff: Guest, client: Guest) -> None:
    """Its two steps to the letter: the uid of an event service, taken for an instance's, and its expected response."""
    made = await add_service(staff.booking, service_type="event")
    path = f"/v2/settings/services?business_id={staff.org_id}&per_page=10"
    listed = await staff.booking.get(path)  # get_event_service
    assert listed.status == 200
    (event_service_id,) = [one["uid"] for one in listed.body["data"] if one["service_type"] == "event"]
    assert event_service_id == made
    body = {"business_id": staff.org_id, "event_instance_id": event_service_id}
    answer = await client.waitlist.post(EVENTS, body)  # join_waitlist
    assert answer.status == 422
    assert list(answer.body.items()) == [("status", "Error"), ("error", "Invalid event instance")]


async def test_a_client_joins_an_event_that_is_full(staff: Guest, client: Guest) -> None:
    instance = await staff.full_instance()
    answer = await client.join_event(
        event_instance_id=instance["uid"],
        matter_uid="matter-1",
        source_name="Newsletter",
        channel="email",
        time_zone="Eastern Time (US & Canada)",
    )
    assert (answer.status, answer.body["status"]) == (201, "OK")
    told = answer.data["waitlist"]
    assert re.fullmatch("wle_[0-9a-z]{26}", told.pop("uid"))
    assert told.pop("created_at") == told.pop("updated_at")
    assert told == {
        "type": "waitlist",
        "status": "pending",
        "spot": 1,
        "entity_type": "EventInstance",
        "entity_id": instance["uid"],
        "event_instance_uid": instance["uid"],
        "client_id": client.client_id,
        "matter": {"uid": "matter-1", "display_name": "Ada"},
        "initiator": "client",
        "title": instance["title"],
        "source_name": "Newsletter",
        "channel": "email",
        "time_zone": "Eastern Time (US & Canada)",
    }


async def test_staff_name_the_client_and_spots_count_up(staff: Guest, client: Guest) -> None:
    instance = await staff.full_instance()
    first = await staff.join_event(event_instance_id=instance["uid"], client_id=await staff.client())
    assert (first.data["waitlist"]["spot"], first.data["waitlist"]["initiator"]) == (1, "staff")
    second = await client.join_event(event_instance_id=instance["uid"], client_id=client.client_id)
    assert (second.data["waitlist"]["spot"], second.data["waitlist"]["matter"]) == (2, None)
    entry = (await staff.waitlist.get(f"{PATH}/{second.data['waitlist']['uid']}")).data
    assert (entry["userId"], entry["eventInstanceId"], entry["position"]) == (client.client_id, instance["uid"], 2)


async def test_each_refusal_has_its_sentence(staff: Guest, client: Guest) -> None:
    """api.md section 3: "`Invalid business`, `Invalid event instance` (unknown, cancelled, past, or a service's uid
    given as in the seed), `Event is not full`, `Already on the waitlist`, `Invalid client`"
    """
    uid = (await staff.full_instance())["uid"]
    assert refused(await client.join_event(event_instance_id=uid, business_id="org_other")) == "Invalid business"
    assert refused(await client.waitlist.post(EVENTS, {"event_instance_id": uid})) == "Invalid business"
    assert refused(await client.join_event()) == "Invalid event instance"
    for none in ("inst_none", "", 5, None, "../../locations", "x" * 65):
        assert refused(await client.join_event(event_instance_id=none)) == "Invalid event instance"
    assert refused(await staff.join_event(event_instance_id=uid)) == "Invalid client"
    assert refused(await staff.join_event(event_instance_id=uid, client_id="cli_none")) == "Invalid client"
    assert refused(await client.join_event(event_instance_id=uid, client_id="cli_other")) == "Invalid client"
    assert (await client.join_event(event_instance_id=uid)).status == 201
    assert refused(await client.join_event(event_instance_id=uid)) == "Already on the waitlist"
    assert (
        refused(await client.join_event(event_instance_id=uid, colour="red"))
        == "colour: Extra inputs are not permitted"
    )


async def test_an_event_that_has_room_is_booked_and_not_waited_for(staff: Guest, client: Guest) -> None:
    instance = await add_instance(staff.booking, max_attendance=1)
    assert refused(await client.join_event(event_instance_id=instance["uid"])) == "Event is not full"
    await hold(staff.booking, instance["uid"], 1)
    assert (await client.join_event(event_instance_id=instance["uid"])).status == 201


async def test_an_event_that_is_cancelled_or_has_begun_is_none(staff: Guest, client: Guest) -> None:
    cancelled = await staff.full_instance()
    await staff.booking.post(f"/v2/event_instances/{cancelled['uid']}/cancel", {})
    assert refused(await client.join_event(event_instance_id=cancelled["uid"])) == "Invalid event instance"
    begun = text(datetime.now(UTC) - timedelta(minutes=5))
    past = await add_instance(staff.booking, max_attendance=1, start_time=begun)
    assert refused(await client.join_event(event_instance_id=past["uid"])) == "Invalid event instance"


async def test_a_waitlist_that_is_full_says_so(staff: Guest, client: Guest) -> None:
    instance = await staff.full_instance()
    await staff.waitlist.send("PUT", f"{PATH}/policies/{instance['service_id']}", {"maxEntries": 1})
    await staff.join_event(event_instance_id=instance["uid"], client_id=await staff.client())
    assert refused(await client.join_event(event_instance_id=instance["uid"])) == "Waitlist is full"


async def test_a_client_leaves_by_the_familys_way(staff: Guest, client: Guest) -> None:
    uid = (await staff.full_instance())["uid"]
    joined = (await client.join_event(event_instance_id=uid, matter_uid="matter-1")).data["waitlist"]
    asked = {"event_instance_uid": uid, "client_uid": client.client_id}
    other = await client.leave_event(**asked, matter_uid="matter-2")
    assert refused(other) == "Not on the waitlist"
    left = await client.leave_event(**asked, matter_uid="matter-1", message="Something came up")
    assert (left.status, left.body["status"]) == (200, "OK")
    told = left.data["waitlist"]
    assert (told["uid"], told["status"], told["spot"]) == (joined["uid"], "cancelled", None)
    assert refused(await client.leave_event(**asked)) == "Not on the waitlist"
    assert (await client.join_event(event_instance_id=uid)).status == 201
    assert (await staff.leave_event(**asked)).status == 200


async def test_who_cannot_leave_is_told_why(staff: Guest, client: Guest) -> None:
    uid = (await staff.full_instance())["uid"]
    mine = {"event_instance_uid": uid, "client_uid": client.client_id}
    assert refused(await client.leave_event(**{**mine, "client_uid": "cli_other"})) == "Invalid client"
    assert refused(await staff.leave_event(event_instance_uid=uid)) == "Invalid client"
    assert refused(await staff.leave_event(event_instance_uid=uid, client_uid="cli_none")) == "Invalid client"
    assert refused(await client.leave_event(**{**mine, "event_instance_uid": "inst_none"})) == "Invalid event instance"
    assert refused(await client.leave_event(**mine, business_uid="org_other")) == "Invalid business"


async def test_a_cancelled_event_can_still_be_left(staff: Guest, client: Guest) -> None:
    instance = await staff.full_instance()
    await client.join_event(event_instance_id=instance["uid"])
    await staff.booking.post(f"/v2/event_instances/{instance['uid']}/cancel", {})
    assert (await client.leave_event(event_instance_uid=instance["uid"])).status == 200


async def test_a_request_that_is_sent_twice_joins_once(staff: Guest, client: Guest) -> None:
    body = {"business_id": staff.org_id, "event_instance_id": (await staff.full_instance())["uid"]}
    first = await client.waitlist.post(EVENTS, body, Idempotency_Key="once")
    again = await client.waitlist.post(EVENTS, body, Idempotency_Key="once")
    assert (first.status, again.status, first.body) == (201, 201, again.body)


@pytest.mark.parametrize(("method", "path"), [("POST", EVENTS), ("PUT", f"{EVENTS}/cancel")])
async def test_whatever_is_refused_has_the_familys_shape(
    service: WaitlistService, staff: Guest, method: str, path: str
) -> None:
    reader = await service.caller(staff.org_id, KeyKind.STAFF, frozenset({"booking_waitlist.read"}))
    answer = await reader.send(method, path, {})
    assert (answer.status, answer.body) == (
        403,
        {"status": "Error", "error": "the API key lacks the scope booking_waitlist.manage"},
    )
    async with service.http.request(method, service.base + path, json={}) as response:
        assert (response.status, list(await response.json())) == (401, ["status", "error"])
        assert response.headers["X-Request-Id"].startswith("req_")
    headers = {**staff.waitlist.headers, "Content-Type": "application/json"}
    async with service.http.request(method, service.base + path, data=b"{", headers=headers) as response:
        assert (response.status, list(await response.json())) == (400, ["status", "error"])
