"""Registering for event instances, what becomes of it when they move or are cancelled, and who may see what."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from chassis.clock import utc_now
from chassis.identity import KeyKind
from chassis.ids import new_id
from chassis.postgres import Database
from slotwire_contracts import AnyEvent
from support.booking_service import SOON, Caller, Service, text
from support.event_instances import (
    PATH,
    add_instance,
    add_service,
    hold,
    post_instance,
    register,
    registered,
    told,
)

LATER = {"start_time": text(SOON + timedelta(days=1)), "end_time": text(SOON + timedelta(days=1, hours=2))}


@pytest.fixture
async def instance(staff: Caller) -> dict[str, Any]:
    """An instance with 10 spots."""
    return await add_instance(staff)


@pytest.fixture
async def client_id(staff: Caller, db: Database) -> str:
    """A client who is known."""
    known = new_id("cli")
    async with db.connection() as conn:
        await conn.execute(
            "INSERT INTO clients (id, org_id, name, email, created_at, updated_at)"
            " VALUES ($1, $2, 'Grace', 'grace@example.com', $3, $3)",
            known,
            staff.org_id,
            utc_now(),
        )
    return known


@pytest.fixture
async def client(service: Service, staff: Caller, client_id: str) -> Caller:
    """The key of that client, who may also see what can be booked."""
    scopes = frozenset({"bookings.read", "bookings.manage", "schedules.read"})
    return await service.caller(staff.org_id, KeyKind.CLIENT, scopes, client_id=client_id)


async def statuses(staff: Caller, uid: str) -> dict[str, str]:
    """The status of each of an instance's registrations."""
    listed = await staff.get(f"{PATH}/{uid}/registrations?per_page=100")
    return {one["id"]: one["status"] for one in listed.data}


async def shown(staff: Caller, booking_id: str) -> Any:
    """A registration as it is."""
    return (await staff.get(f"/api/v1/bookings/{booking_id}")).data


async def remembered(db: Database, booking_id: str) -> list[tuple[Any, ...]]:
    """A registration's history."""
    async with db.connection() as conn:
        rows = await conn.fetch(
            "SELECT event_id, type, sequence, created_at, data, actor FROM history WHERE booking_id = $1"
            " ORDER BY sequence",
            booking_id,
        )
    return [tuple(row.values()) for row in rows]


def json_of(event: AnyEvent) -> dict[str, Any]:
    """An event's resource and change, as consumers read them."""
    return dict(event.data.model_dump(mode="json"))


def facts(events: list[AnyEvent]) -> list[tuple[Any, ...]]:
    """What the topic tells of a registration, as history does."""
    return [(e.id, e.type, e.sequence, e.time, json_of(e)["change"], e.actor) for e in events]


async def holders(db: Database, uid: str) -> set[str]:
    """Who has spots of an instance."""
    async with db.connection() as conn:
        rows = await conn.fetch("SELECT coalesce(booking_id, hold_id) AS id FROM spots WHERE instance_id = $1", uid)
    return {row["id"] for row in rows}


async def test_registering_books_spots_at_the_instances_time(
    staff: Caller, db: Database, instance: dict[str, Any]
) -> None:
    attendee = {"name": "Ada", "email": "ada@example.com", "phone": "+49 30 1", "timezone": "UTC", "notes": "Vegan"}
    body = {"attendee": attendee, "party_size": 3, "metadata": {"mat": 2}}
    made = await staff.post(f"{PATH}/{instance['uid']}/registrations", body)
    assert made.status == 201
    assert made.body["data"] == await shown(staff, made.data["id"])
    expected = {
        "event_instance_id": instance["uid"],
        "start_time": instance["start_time"],
        "end_time": instance["end_time"],
        "status": "CONFIRMED",
        "schedule_id": None,
        "party_size": 3,
        "source": "registration",
        "metadata": {"mat": 2},
        **{f"attendee_{name}": value for name, value in attendee.items()},
    }
    assert {name: made.data[name] for name in expected} == expected
    assert (await staff.get(f"{PATH}/{instance['uid']}")).data == {**instance, "attendance": 3, "remaining": 7}
    assert (await remembered(db, made.data["id"]))[0][4] == {"source": "registration", "party_size": 3}


async def test_a_known_client_need_not_be_described(
    staff: Caller, client: Caller, client_id: str, instance: dict[str, Any]
) -> None:
    path = f"{PATH}/{instance['uid']}/registrations"
    by_staff = await staff.post(path, {"client_id": client_id, "source": "phone"})
    assert (by_staff.data["attendee_name"], by_staff.data["source"]) == ("Grace", "phone")
    await staff.delete(f"/api/v1/bookings/{by_staff.data['id']}")
    by_itself = await client.post(path, {})
    assert by_itself.data["attendee_email"] == "grace@example.com"
    assert (await client.get(path)).data == [await shown(staff, by_staff.data["id"]), by_itself.data]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"attendee": None}, "attendee"),
        ({"attendee": {"name": "Ada"}}, "attendee.email"),
        ({"attendee": None, "client_id": "cli_none"}, "client_id"),
        ({"party_size": 0}, "party_size"),
        ({"party_size": "2"}, "party_size"),
        ({"source": ""}, "source"),
        ({"metadata": {"x": "y" * 17_000}}, "metadata"),
        ({"start_time": text(SOON)}, "start_time"),
    ],
)
async def test_a_bad_registration_takes_no_spots(
    staff: Caller, instance: dict[str, Any], fields: dict[str, Any], param: str
) -> None:
    refused = await register(staff, instance["uid"], **fields)
    assert (refused.status, refused.code, refused.body["error"]["param"]) == (422, "validation_failed", param)
    assert (await staff.get(f"{PATH}/{instance['uid']}")).data == instance
    assert await statuses(staff, instance["uid"]) == {}


async def test_of_30_who_race_for_10_spots_10_get_one(staff: Caller, instance: dict[str, Any]) -> None:
    answers = await asyncio.gather(*(register(staff, instance["uid"]) for _ in range(30)))
    assert Counter(answer.status for answer in answers) == {201: 10, 409: 20}
    assert {answer.code for answer in answers if answer.status == 409} == {"slot_unavailable"}
    assert (await staff.get(f"{PATH}/{instance['uid']}")).data["remaining"] == 0


async def test_a_repeated_registration_with_an_idempotency_key_makes_one(
    staff: Caller, client_id: str, instance: dict[str, Any]
) -> None:
    path = f"{PATH}/{instance['uid']}/registrations"
    first = await staff.post(path, {"client_id": client_id}, Idempotency_Key="a")
    again = await staff.post(path, {"client_id": client_id}, Idempotency_Key="a")
    assert (first.status, again.body) == (201, first.body)
    assert await statuses(staff, instance["uid"]) == {first.data["id"]: "CONFIRMED"}


async def test_cancelling_ends_every_registration_but_of_those_who_sit(
    service: Service, staff: Caller, db: Database, instance: dict[str, Any]
) -> None:
    """Webhook rules: «One casing for each resource, in its API, on the topic and in webhooks: reservations snake_case,
    waitlist entries camelCase.»
    """
    uid = instance["uid"]
    ending = [await registered(staff, uid, status, party_size=2) for status in ("PENDING", "CONFIRMED", "LATE")]
    sitting = [await registered(staff, uid, status) for status in ("SEATED", "PARTIALLY_SEATED")]
    over = await registered(staff, uid, "CANCELLED")
    hold_id = await hold(staff, uid, 1)
    before = {one["id"]: await remembered(db, one["id"]) for one in [*ending, *sitting, over]}
    answer = await staff.post(f"{PATH}/{uid}/cancel", {"reason": "the teacher is ill"})
    assert answer.status == 200
    assert (answer.data["status"], answer.data["cancelled_registrations"]) == ("cancelled", 3)
    assert answer.data["attendance"] == 2
    assert await statuses(staff, uid) == {
        **{one["id"]: "CANCELLED" for one in [*ending, over]},
        **{one["id"]: one["status"] for one in sitting},
    }
    assert await holders(db, uid) == {one["id"] for one in sitting}
    async with db.connection() as conn:
        assert not await conn.fetchval("SELECT true FROM holds WHERE id = $1", hold_id)
    for one in [*sitting, over]:
        assert await remembered(db, one["id"]) == before[one["id"]]
    for one in ending:
        after = await shown(staff, one["id"])
        assert (after["status"], after["version"]) == ("CANCELLED", one["version"] + 1)
        history = await remembered(db, one["id"])
        assert history[:-1] == before[one["id"]]
        assert history[-1][1] == "reservation.cancelled"
        assert history[-1][4] == {
            "from_status": one["status"].lower(),
            "to_status": "cancelled",
            "reason": "the teacher is ill",
        }
        events = await told(service, [one["id"]], len(history))
        assert facts(events) == history
        assert json_of(events[-1])["resource"] == after
    (event,) = await told(service, [uid], 1)
    assert (event.type, event.sequence, event.orgid) == ("event_instance.cancelled", 1, staff.org_id)
    assert json_of(event)["change"] == {"reason": "the teacher is ill"}
    resource = json_of(event)["resource"]
    assert (resource["status"], resource["attendance"]) == ("cancelled", 2)


async def test_without_a_reason_it_is_that_the_event_was_cancelled(
    service: Service, staff: Caller, db: Database, instance: dict[str, Any]
) -> None:
    booking = await registered(staff, instance["uid"])
    await staff.post(f"{PATH}/{instance['uid']}/cancel", {})
    assert (await remembered(db, booking["id"]))[-1][4]["reason"] == "event_cancelled"
    (event,) = await told(service, [instance["uid"]], 1)
    assert json_of(event)["change"] == {"reason": "event_cancelled"}


@pytest.mark.parametrize("reason", ["", "x" * 501, 7])
async def test_a_bad_reason_cancels_nothing(staff: Caller, instance: dict[str, Any], reason: object) -> None:
    path = f"{PATH}/{instance['uid']}"
    refused = await staff.post(f"{path}/cancel", {"reason": reason})
    assert (refused.status, refused.body["error"]["param"]) == (422, "reason")
    assert (await staff.get(path)).data == instance


async def test_cancelling_again_changes_nothing(
    service: Service, staff: Caller, db: Database, instance: dict[str, Any]
) -> None:
    path = f"{PATH}/{instance['uid']}/cancel"
    booking = await registered(staff, instance["uid"])
    first = await staff.post(path, {"reason": "rain"}, Idempotency_Key="a")
    history = await remembered(db, booking["id"])
    repeated = await staff.post(path, {"reason": "rain"}, Idempotency_Key="a")
    assert (first.data["cancelled_registrations"], repeated.body) == (1, first.body)
    again = await staff.post(path, {"reason": "snow"})
    assert (again.status, again.data) == (200, {**first.data, "cancelled_registrations": 0})
    assert await remembered(db, booking["id"]) == history
    assert len(await told(service, [instance["uid"]], 1)) == 1


async def test_of_many_who_cancel_at_once_one_ends_the_registrations(
    service: Service, staff: Caller, instance: dict[str, Any]
) -> None:
    for _ in range(5):
        await registered(staff, instance["uid"])
    answers = await asyncio.gather(*(staff.post(f"{PATH}/{instance['uid']}/cancel", {}) for _ in range(8)))
    assert sorted(answer.data["cancelled_registrations"] for answer in answers) == [0] * 7 + [5]
    assert len(await told(service, [instance["uid"]], 1)) == 1


async def test_nobody_can_register_after_it(staff: Caller, instance: dict[str, Any]) -> None:
    await staff.post(f"{PATH}/{instance['uid']}/cancel", {})
    refused = await register(staff, instance["uid"])
    assert (refused.status, refused.body["error"]["param"]) == (422, "event_instance_id")
    assert await statuses(staff, instance["uid"]) == {}


async def test_one_that_comes_back_comes_without_its_registrations(
    service: Service, staff: Caller, instance: dict[str, Any]
) -> None:
    path = f"{PATH}/{instance['uid']}"
    gone = await registered(staff, instance["uid"])
    await staff.post(f"{path}/cancel", {})
    back = await staff.patch(path, {"status": "scheduled"})
    assert back.data == {**instance, "updated_at": back.data["updated_at"]}
    new = await registered(staff, instance["uid"])
    assert await statuses(staff, instance["uid"]) == {gone["id"]: "CANCELLED", new["id"]: "CONFIRMED"}
    events = await told(service, [instance["uid"]], 2)
    assert [(event.type, event.sequence) for event in events] == [
        ("event_instance.cancelled", 1),
        ("event_instance.updated", 2),
    ]
    assert json_of(events[1])["change"] == {"changes": {"status": {"from": "cancelled", "to": "scheduled"}}}


async def test_of_30_who_register_while_it_is_cancelled_none_stays(
    service: Service, staff: Caller, db: Database
) -> None:
    for _ in range(3):
        uid = (await add_instance(staff, max_attendance=40))["uid"]
        racers = [asyncio.create_task(register(staff, uid)) for _ in range(30)]
        await asyncio.wait(racers, return_when=asyncio.FIRST_COMPLETED)
        cancelled = await staff.post(f"{PATH}/{uid}/cancel", {})
        answers = await asyncio.gather(*racers)
        assert {answer.status for answer in answers} <= {201, 422}
        seen = await statuses(staff, uid)
        assert set(seen) == {answer.data["id"] for answer in answers if answer.status == 201}
        assert set(seen.values()) == {"CANCELLED"}
        assert cancelled.data["cancelled_registrations"] == len(seen)
        assert await holders(db, uid) == set()
        assert (await staff.get(f"{PATH}/{uid}")).data["attendance"] == 0
        events = await told(service, seen, 2 * len(seen))
        for booking_id in seen:
            history = await remembered(db, booking_id)
            assert [row[1] for row in history] == ["reservation.created", "reservation.cancelled"]
            assert facts([event for event in events if event.subject == booking_id]) == history


async def test_registrations_and_holds_move_with_their_instance(
    service: Service, staff: Caller, db: Database, instance: dict[str, Any]
) -> None:
    uid = instance["uid"]
    active = ("PENDING", "CONFIRMED", "LATE", "PARTIALLY_SEATED", "SEATED")
    moving = [await registered(staff, uid, status) for status in active]
    staying = await registered(staff, uid, "CANCELLED")
    hold_id = await hold(staff, uid, 1)
    assert (await staff.patch(f"{PATH}/{uid}", LATER)).data["start_time"] == LATER["start_time"]
    for one in moving:
        after = await shown(staff, one["id"])
        assert after == {**one, **LATER, "version": one["version"] + 1, "updated_at": after["updated_at"]}
        history = await remembered(db, one["id"])
        assert history[-1][1] == "reservation.updated"
        assert history[-1][4] == {"changes": {name: {"from": instance[name], "to": LATER[name]} for name in LATER}}
        events = await told(service, [one["id"]], len(history))
        assert facts(events) == history
        assert json_of(events[-1])["resource"] == after
    assert await shown(staff, staying["id"]) == staying
    async with db.connection() as conn:
        held = await conn.fetchrow("SELECT start_time, end_time FROM holds WHERE id = $1", hold_id)
    assert held is not None
    assert {name: text(held[name]) for name in LATER} == LATER
    (event,) = await told(service, [uid], 1)
    assert set(json_of(event)["change"]["changes"]) == set(LATER)


async def test_what_is_no_new_time_moves_nobody(staff: Caller, instance: dict[str, Any]) -> None:
    booking = await registered(staff, instance["uid"])
    times = {name: instance[name] for name in LATER}
    await staff.patch(f"{PATH}/{instance['uid']}", {**times, "title": "Yin yoga", "timezone": "Asia/Tokyo"})
    assert await shown(staff, booking["id"]) == booking


async def test_who_registers_while_it_moves_has_its_new_time(staff: Caller, instance: dict[str, Any]) -> None:
    path = f"{PATH}/{instance['uid']}"
    racers = [asyncio.create_task(register(staff, instance["uid"])) for _ in range(10)]
    await asyncio.wait(racers, return_when=asyncio.FIRST_COMPLETED)
    assert (await staff.patch(path, LATER)).status == 200
    assert {answer.status for answer in await asyncio.gather(*racers)} == {201}
    listed = (await staff.get(f"{path}/registrations")).data
    assert [(one["start_time"], one["end_time"]) for one in listed] == [(LATER["start_time"], LATER["end_time"])] * 10


async def test_changes_of_registrations_and_of_their_instance_never_fail_each_other(
    staff: Caller, db: Database
) -> None:
    instance = await add_instance(staff, max_attendance=40)
    made = [await registered(staff, instance["uid"]) for _ in range(12)]
    answers = await asyncio.gather(
        *(staff.patch(f"/api/v1/bookings/{one['id']}", {"title": "Yoga", "party_size": 2}) for one in made),
        *(staff.patch(f"{PATH}/{instance['uid']}", {**LATER, "title": f"Yoga {number}"}) for number in range(3)),
        staff.post(f"{PATH}/{instance['uid']}/cancel", {}),
    )
    assert {answer.status for answer in answers} == {200}
    assert set((await statuses(staff, instance["uid"])).values()) == {"CANCELLED"}
    assert await holders(db, instance["uid"]) == set()
    for one in made:
        sequences = [row[2] for row in await remembered(db, one["id"])]
        assert sequences == list(range(1, len(sequences) + 1))


async def test_holds_are_released_while_their_instance_is_cancelled_and_each_is_told_of_once(
    service: Service, staff: Caller
) -> None:
    uid = (await add_instance(staff, max_attendance=40))["uid"]
    held = [await hold(staff, uid, 2) for _ in range(12)]
    cancelled, *released = await asyncio.gather(
        staff.post(f"{PATH}/{uid}/cancel", {}), *(staff.delete(f"/api/v1/holds/{one}") for one in held)
    )
    assert cancelled.status == 200
    assert {answer.status for answer in released} <= {200, 404}
    assert (await staff.get(f"{PATH}/{uid}")).data["attendance"] == 0
    events = await told(service, held, len(held))
    reasons = {event.subject: json_of(event)["change"]["reason"] for event in events}
    by_hand = [one for one, answer in zip(held, released, strict=True) if answer.status == 200]
    assert len(events) == len(held)
    assert reasons == {one: "released" if one in by_hand else "cancelled" for one in held}


async def test_registrations_come_in_pages_in_the_one_representation(staff: Caller, instance: dict[str, Any]) -> None:
    path = f"{PATH}/{instance['uid']}/registrations"
    await registered(staff, (await add_instance(staff))["uid"])
    made = sorted([await registered(staff, instance["uid"]) for _ in range(3)], key=lambda one: str(one["id"]))
    listed = await staff.get(path)
    assert listed.body["meta"] == {"total": 3, "page": 1, "per_page": 25, "hasMore": False}
    assert listed.data == made
    first, second = [await staff.get(f"{path}?per_page=2&page={number}") for number in (1, 2)]
    assert (first.body["meta"]["hasMore"], second.data) == (True, made[2:])
    assert second.body["meta"] == {"total": 3, "page": 2, "per_page": 2, "hasMore": False}
    refused = await staff.get(f"{path}?per_page=101")
    assert (refused.status, refused.body["error"]["param"]) == (422, "per_page")


async def test_a_client_sees_instances_registers_itself_and_changes_nothing(
    staff: Caller, client: Caller, instance: dict[str, Any]
) -> None:
    path = f"{PATH}/{instance['uid']}"
    own = await register(client, instance["uid"])
    assert own.status == 201
    await registered(staff, instance["uid"])
    assert (await client.get(path)).data["attendance"] == 2
    assert [one["uid"] for one in (await client.get(PATH)).data] == [instance["uid"]]
    assert (await client.get(f"{path}/registrations")).data == [own.data]
    for refused in (
        await register(client, instance["uid"], client_id="cli_bob"),
        await post_instance(client, instance["service_id"]),
        await client.patch(path, {"title": "Mine now"}),
        await client.delete(path),
        await client.post(f"{path}/cancel", {}),
    ):
        assert (refused.status, refused.code) == (403, "forbidden")
    assert (await staff.get(path)).data == {**instance, "attendance": 2, "remaining": 8}


async def test_another_organizations_instances_are_not_there(
    service: Service, staff: Caller, instance: dict[str, Any]
) -> None:
    other = await service.caller()
    path = f"{PATH}/{instance['uid']}"
    booking = await registered(staff, instance["uid"])
    for answer in (
        await other.get(path),
        await other.patch(path, {"title": "Mine now"}),
        await other.patch(path, LATER),
        await other.delete(path),
        await other.post(f"{path}/cancel", {}),
        await other.get(f"{path}/registrations"),
        await register(other, instance["uid"]),
    ):
        assert (answer.status, answer.code) == (404, "not_found")
    for query in ("", f"?service_id={instance['service_id']}"):
        assert (await other.get(f"{PATH}{query}")).data == []
    theirs, own = instance["service_id"], await add_service(other)
    location_id = await staff.location()
    mine = (await post_instance(other, own)).data
    for refused, param in (
        (await post_instance(other, theirs), "service_id"),
        (await post_instance(other, own, location_id=location_id), "location_id"),
        (await other.patch(f"{PATH}/{mine['uid']}", {"location_id": location_id}), "location_id"),
    ):
        assert (refused.status, refused.body["error"]["param"]) == (422, param)
    assert (await staff.get(path)).data == {**instance, "attendance": 1, "remaining": 9}
    assert await statuses(staff, instance["uid"]) == {booking["id"]: "CONFIRMED"}


async def test_scopes_are_needed(service: Service, staff: Caller, instance: dict[str, Any]) -> None:
    path = f"{PATH}/{instance['uid']}"
    viewer = await service.caller(staff.org_id, scopes=frozenset({"schedules.read"}))
    reader = await service.caller(staff.org_id, scopes=frozenset({"bookings.read"}))
    for readable in (PATH, path):
        assert (await viewer.get(readable)).status == 200
        assert (await reader.get(readable)).status == 403
    assert (await reader.get(f"{path}/registrations")).status == 200
    assert (await viewer.get(f"{path}/registrations")).status == 403
    changing = [("POST", PATH), ("PATCH", path), ("DELETE", path), ("POST", f"{path}/cancel")]
    changing.append(("POST", f"{path}/registrations"))
    for caller in (viewer, reader):
        for method, changed in changing:
            refused = await caller.send(method, changed, {})
            assert (refused.status, refused.code) == (403, "forbidden"), (method, changed)
