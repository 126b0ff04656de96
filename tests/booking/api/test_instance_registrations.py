"""What becomes of the registrations of an event instance that moves or is cancelled, and who may see them."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from booking.domain.status import Status
from booking.store.contention import retrying
from chassis.identity import KeyKind
from chassis.postgres import Database
from support.booking_service import SOON, Caller, Service, text
from support.event_instances import PATH, add_instance, add_service, hold, post_instance, register, told

LATER = {"start_time": text(SOON + timedelta(days=1)), "end_time": text(SOON + timedelta(days=1, hours=2))}


@pytest.fixture
async def instance(staff: Caller, db: Database) -> dict[str, Any]:
    """An instance with 10 spots."""
    return await add_instance(db, staff)


@pytest.fixture
async def client(service: Service, staff: Caller) -> Caller:
    """A client who may also see what can be booked."""
    scopes = frozenset({"bookings.read", "bookings.manage", "schedules.read"})
    return await service.caller(staff.org_id, KeyKind.CLIENT, scopes, client_id="cli_ada")


async def statuses(staff: Caller, uid: str) -> dict[str, str]:
    """The status of each of an instance's registrations."""
    listed = await staff.get(f"{PATH}/{uid}/registrations?per_page=100")
    return {one["id"]: one["status"] for one in listed.data}


async def remembered(db: Database, booking_id: str) -> list[tuple[Any, ...]]:
    """A registration's history."""
    async with db.connection() as conn:
        rows = await conn.fetch(
            "SELECT event_id, type, sequence, created_at, data, actor FROM history WHERE booking_id = $1"
            " ORDER BY sequence",
            booking_id,
        )
    return [tuple(row.values()) for row in rows]


async def spots(db: Database, uid: str) -> set[str]:
    """Who has spots of an instance."""
    async with db.connection() as conn:
        rows = await conn.fetch(
            "SELECT coalesce(booking_id, hold_id) AS holder FROM spots WHERE instance_id = $1", uid
        )
    return {row["holder"] for row in rows}


async def test_cancelling_ends_every_registration_but_of_those_who_sit(
    service: Service, staff: Caller, db: Database, instance: dict[str, Any]
) -> None:
    path = f"{PATH}/{instance['uid']}"
    ended = [
        await register(db, instance, staff.org_id, status=status, party_size=2)
        for status in (Status.PENDING, Status.CONFIRMED, Status.LATE)
    ]
    sitting = [await register(db, instance, staff.org_id, status=status) for status in (Status.SEATED,) * 2]
    hold_id = await hold(db, instance, 1, minutes=5)
    over = (await staff.delete(f"/api/v1/bookings/{ended.pop(1).id}")).data["id"]
    before = await remembered(db, over)
    answer = await staff.post(f"{path}/cancel", {"reason": "the teacher is ill"})
    assert answer.status == 200
    assert (answer.data["status"], answer.data["cancelled_registrations"]) == ("cancelled", 2)
    assert await statuses(staff, instance["uid"]) == {
        over: "CANCELLED",
        **{booking.id: "CANCELLED" for booking in ended},
        **{booking.id: "SEATED" for booking in sitting},
    }
    assert {booking.id for booking in sitting} <= await spots(db, instance["uid"])
    assert not {hold_id, *(booking.id for booking in ended)} & await spots(db, instance["uid"])
    async with db.connection() as conn:
        assert not await conn.fetchval("SELECT true FROM holds WHERE id = $1", hold_id)
    assert await remembered(db, over) == before
    for booking in ended:
        shown = (await staff.get(f"/api/v1/bookings/{booking.id}")).data
        assert (shown["status"], shown["version"]) == ("CANCELLED", 2)
        history = await remembered(db, booking.id)
        assert [row[1] for row in history] == ["reservation.created", "reservation.cancelled"]
        assert history[1][4] == {
            "from_status": booking.status.lower(),
            "to_status": "cancelled",
            "reason": "the teacher is ill",
        }
        events = await told(service, [booking.id], 2)
        assert [
            (e.id, e.type, e.sequence, e.time, e.data.change.model_dump(mode="json"), e.actor) for e in events
        ] == history
        assert events[1].data.resource.model_dump(mode="json") == shown
    (event,) = await told(service, [instance["uid"]], 1)
    assert (event.type, event.sequence, event.orgid) == ("event_instance.cancelled", 1, staff.org_id)
    assert event.data.change.model_dump(mode="json") == {"reason": "the teacher is ill"}
    assert event.data.resource.status == "cancelled"
    assert event.data.resource.attendance == answer.data["attendance"]


async def test_without_a_reason_it_is_that_the_event_was_cancelled(
    service: Service, staff: Caller, db: Database, instance: dict[str, Any]
) -> None:
    booking = await register(db, instance, staff.org_id)
    await staff.post(f"{PATH}/{instance['uid']}/cancel", {})
    assert (await remembered(db, booking.id))[-1][4]["reason"] == "event_cancelled"
    (event,) = await told(service, [instance["uid"]], 1)
    assert event.data.change.reason == "event_cancelled"


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
    booking = await register(db, instance, staff.org_id)
    first = await staff.post(path, {"reason": "rain"}, Idempotency_Key="a")
    history = await remembered(db, booking.id)
    repeated = await staff.post(path, {"reason": "rain"}, Idempotency_Key="a")
    assert (first.data["cancelled_registrations"], repeated.body) == (1, first.body)
    again = await staff.post(path, {"reason": "snow"})
    assert (again.status, again.data) == (200, {**first.data, "cancelled_registrations": 0})
    assert await remembered(db, booking.id) == history
    assert len(await told(service, [instance["uid"]], 1)) == 1


async def test_of_many_who_cancel_at_once_one_ends_the_registrations(
    service: Service, staff: Caller, db: Database, instance: dict[str, Any]
) -> None:
    for _ in range(5):
        await register(db, instance, staff.org_id)
    answers = await asyncio.gather(*(staff.post(f"{PATH}/{instance['uid']}/cancel", {}) for _ in range(8)))
    assert sorted(answer.data["cancelled_registrations"] for answer in answers) == [0] * 7 + [5]
    assert len(await told(service, [instance["uid"]], 1)) == 1


async def test_nothing_can_be_registered_or_held_after_it(
    staff: Caller, db: Database, instance: dict[str, Any]
) -> None:
    await staff.post(f"{PATH}/{instance['uid']}/cancel", {})
    with pytest.raises(asyncpg.ExclusionViolationError, match="takes no more spots"):
        await register(db, instance, staff.org_id)
    with pytest.raises(asyncpg.ExclusionViolationError, match="takes no more spots"):
        await hold(db, instance, 1, minutes=5)


async def test_one_that_comes_back_comes_without_its_registrations(
    service: Service, staff: Caller, db: Database, instance: dict[str, Any]
) -> None:
    path = f"{PATH}/{instance['uid']}"
    gone = await register(db, instance, staff.org_id)
    await staff.post(f"{path}/cancel", {})
    back = await staff.patch(path, {"status": "scheduled"})
    assert back.data == {**instance, "updated_at": back.data["updated_at"]}
    new = await register(db, instance, staff.org_id)
    assert await statuses(staff, instance["uid"]) == {gone.id: "CANCELLED", new.id: "CONFIRMED"}
    events = await told(service, [instance["uid"]], 2)
    assert [(event.type, event.sequence) for event in events] == [
        ("event_instance.cancelled", 1),
        ("event_instance.updated", 2),
    ]
    assert events[1].data.change.model_dump(mode="json") == {
        "changes": {"status": {"from": "cancelled", "to": "scheduled"}}
    }


async def test_of_30_who_register_while_it_is_cancelled_none_stays(
    service: Service, staff: Caller, db: Database
) -> None:
    for _ in range(3):
        instance = await add_instance(db, staff, max_attendance=40)
        uid = instance["uid"]
        racers = [asyncio.create_task(register(db, instance, staff.org_id)) for _ in range(30)]
        await asyncio.wait(racers, return_when=asyncio.FIRST_COMPLETED)
        answer = await staff.post(f"{PATH}/{uid}/cancel", {})
        outcomes = await asyncio.gather(*racers, return_exceptions=True)
        refused = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        assert {type(one) for one in refused} <= {asyncpg.ExclusionViolationError}
        seen = await statuses(staff, uid)
        assert len(seen) == 30 - len(refused) == answer.data["cancelled_registrations"]
        assert set(seen.values()) == {"CANCELLED"}
        assert await spots(db, uid) == set()
        assert (await staff.get(f"{PATH}/{uid}")).data["attendance"] == 0
        events = await told(service, seen, 2 * len(seen))
        for booking_id in seen:
            history = await remembered(db, booking_id)
            assert [row[1] for row in history] == ["reservation.created", "reservation.cancelled"]
            assert [event.id for event in events if event.subject == booking_id] == [row[0] for row in history]


async def test_registrations_and_holds_move_with_their_instance(
    service: Service, staff: Caller, db: Database, instance: dict[str, Any]
) -> None:
    path = f"{PATH}/{instance['uid']}"
    moving = [
        await register(db, instance, staff.org_id, status=status)
        for status in (
            Status.PENDING,
            Status.CONFIRMED,
            Status.LATE,
            Status.PARTIALLY_SEATED,
            Status.SEATED,
        )
    ]
    staying = (await staff.delete(f"/api/v1/bookings/{(await register(db, instance, staff.org_id)).id}")).data["id"]
    hold_id = await hold(db, instance, 1, minutes=5)
    assert (await staff.patch(path, LATER)).data["start_time"] == LATER["start_time"]
    for booking in moving:
        shown = (await staff.get(f"/api/v1/bookings/{booking.id}")).data
        assert {key: shown[key] for key in LATER} == LATER
        assert (shown["version"], shown["status"]) == (2, booking.status)
        history = await remembered(db, booking.id)
        assert [row[1] for row in history] == ["reservation.created", "reservation.updated"]
        assert history[1][4] == {"changes": {name: {"from": instance[name], "to": LATER[name]} for name in LATER}}
        events = await told(service, [booking.id], 2)
        assert [event.id for event in events] == [row[0] for row in history]
        assert events[1].data.resource.model_dump(mode="json") == shown
    kept = (await staff.get(f"/api/v1/bookings/{staying}")).data
    assert kept["start_time"] == instance["start_time"]
    async with db.connection() as conn:
        held = await conn.fetchrow("SELECT start_time, end_time FROM holds WHERE id = $1", hold_id)
    assert held is not None
    assert {name: text(held[name]) for name in LATER} == LATER
    (event,) = await told(service, [instance["uid"]], 1)
    assert set(event.data.change.changes.model_dump(mode="json")) == set(LATER)


async def test_what_is_no_new_time_moves_nobody(staff: Caller, db: Database, instance: dict[str, Any]) -> None:
    booking = await register(db, instance, staff.org_id)
    times = {name: instance[name] for name in LATER}
    await staff.patch(f"{PATH}/{instance['uid']}", {**times, "title": "Yin yoga", "timezone": "Asia/Tokyo"})
    shown = (await staff.get(f"/api/v1/bookings/{booking.id}")).data
    assert (shown["version"], shown["start_time"]) == (1, instance["start_time"])


async def test_who_registers_while_it_moves_has_its_new_time(
    staff: Caller, db: Database, instance: dict[str, Any]
) -> None:
    path = f"{PATH}/{instance['uid']}"

    async def once(_attempt: int) -> str:
        return (await register(db, (await staff.get(path)).data, staff.org_id)).id

    racers = [asyncio.create_task(retrying(once)) for _ in range(10)]
    await asyncio.wait(racers, return_when=asyncio.FIRST_COMPLETED)
    assert (await staff.patch(path, LATER)).status == 200
    await asyncio.gather(*racers)
    listed = (await staff.get(f"{path}/registrations")).data
    assert [(one["start_time"], one["end_time"]) for one in listed] == [(LATER["start_time"], LATER["end_time"])] * 10


async def test_changes_of_registrations_and_of_their_instance_never_fail_each_other(
    staff: Caller, db: Database
) -> None:
    instance = await add_instance(db, staff, max_attendance=20)
    made = [await register(db, instance, staff.org_id) for _ in range(12)]
    answers = await asyncio.gather(
        *(staff.patch(f"/api/v1/bookings/{booking.id}", {"title": "Yoga"}) for booking in made),
        *(staff.patch(f"{PATH}/{instance['uid']}", {**LATER, "title": f"Yoga {number}"}) for number in range(3)),
        staff.post(f"{PATH}/{instance['uid']}/cancel", {}),
    )
    assert {answer.status for answer in answers} == {200}
    assert set((await statuses(staff, instance["uid"])).values()) == {"CANCELLED"}
    for booking in made:
        sequences = [row[2] for row in await remembered(db, booking.id)]
        assert sequences == list(range(1, len(sequences) + 1))


async def test_registrations_come_in_pages_in_the_one_representation(
    staff: Caller, db: Database, instance: dict[str, Any]
) -> None:
    path = f"{PATH}/{instance['uid']}/registrations"
    other = await add_instance(db, staff)
    await register(db, other, staff.org_id)
    ids = sorted([(await register(db, instance, staff.org_id)).id for _ in range(3)])
    listed = await staff.get(path)
    assert list(listed.body) == ["data"]
    assert listed.data == [(await staff.get(f"/api/v1/bookings/{booking_id}")).data for booking_id in ids]
    assert {one["event_instance_id"] for one in listed.data} == {instance["uid"]}
    assert [one["id"] for one in (await staff.get(f"{path}?per_page=2&page=2")).data] == ids[2:]
    refused = await staff.get(f"{path}?per_page=101")
    assert (refused.status, refused.body["error"]["param"]) == (422, "per_page")


async def test_a_client_sees_instances_and_its_own_registrations_and_changes_nothing(
    staff: Caller, client: Caller, db: Database, instance: dict[str, Any]
) -> None:
    path = f"{PATH}/{instance['uid']}"
    own = await register(db, instance, staff.org_id, client_id="cli_ada")
    await register(db, instance, staff.org_id, client_id="cli_bob")
    await register(db, instance, staff.org_id)
    assert (await client.get(path)).data["attendance"] == 3
    assert [one["uid"] for one in (await client.get(PATH)).data] == [instance["uid"]]
    assert [one["id"] for one in (await client.get(f"{path}/registrations")).data] == [own.id]
    for refused in (
        await post_instance(client, instance["service_id"]),
        await client.patch(path, {"title": "Mine now"}),
        await client.delete(path),
        await client.post(f"{path}/cancel", {}),
    ):
        assert (refused.status, refused.code) == (403, "forbidden")
    assert (await staff.get(path)).data["status"] == "scheduled"


async def test_another_organizations_instances_are_not_there(
    service: Service, staff: Caller, db: Database, instance: dict[str, Any]
) -> None:
    other = await service.caller()
    path = f"{PATH}/{instance['uid']}"
    booking = await register(db, instance, staff.org_id)
    for answer in (
        await other.get(path),
        await other.patch(path, {"title": "Mine now"}),
        await other.patch(path, LATER),
        await other.delete(path),
        await other.post(f"{path}/cancel", {}),
        await other.get(f"{path}/registrations"),
    ):
        assert (answer.status, answer.code) == (404, "not_found")
    for query in ("", f"?service_id={instance['service_id']}"):
        assert (await other.get(f"{PATH}{query}")).data == []
    theirs, own = instance["service_id"], await add_service(db, other.org_id)
    refused = await post_instance(other, theirs)
    assert (refused.status, refused.body["error"]["param"]) == (422, "service_id")
    location_id = await staff.location()
    refused = await post_instance(other, own, location_id=location_id)
    assert (refused.status, refused.body["error"]["param"]) == (422, "location_id")
    mine = (await post_instance(other, own)).data
    refused = await other.patch(f"{PATH}/{mine['uid']}", {"location_id": location_id})
    assert (refused.status, refused.body["error"]["param"]) == (422, "location_id")
    shown = (await staff.get(path)).data
    assert shown == {**instance, "attendance": 1, "remaining": 9}
    assert await statuses(staff, instance["uid"]) == {booking.id: "CONFIRMED"}


async def test_scopes_are_needed(service: Service, staff: Caller, instance: dict[str, Any]) -> None:
    path = f"{PATH}/{instance['uid']}"
    reader = await service.caller(staff.org_id, scopes=frozenset({"schedules.read"}))
    nobody = await service.caller(staff.org_id, scopes=frozenset({"bookings.manage"}))
    for readable in (PATH, path):
        assert (await reader.get(readable)).status == 200
        assert (await nobody.get(readable)).status == 403
    assert (await nobody.get(f"{path}/registrations")).status == 200
    assert (await reader.get(f"{path}/registrations")).status == 403
    for caller in (reader, nobody):
        for method, changed in (("POST", PATH), ("PATCH", path), ("DELETE", path), ("POST", f"{path}/cancel")):
            refused = await caller.send(method, changed, {})
            assert (refused.status, refused.code) == (403, "forbidden"), (method, changed)
