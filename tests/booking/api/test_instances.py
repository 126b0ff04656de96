"""Event instances over HTTP: making, listing, reading, changing and deleting them."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from booking.domain.times import parse_instant
from chassis.postgres import Database
from support.booking_service import SOON, Caller, Service, somebody, text
from support.event_instances import PATH, add_instance, add_service, hold, post_instance, register, registered, told

KEYS = [
    "uid",
    "service_id",
    "title",
    "start_time",
    "end_time",
    "timezone",
    "location_id",
    "max_attendance",
    "attendance",
    "remaining",
    "status",
    "created_at",
    "updated_at",
]


async def test_what_is_left_out_is_as_the_service_says(staff: Caller) -> None:
    location_id = await staff.location()
    service_id = await add_service(staff, location_id=location_id, duration_minutes=90, max_attendance=7)
    made = await post_instance(staff, service_id)
    assert made.status == 201
    assert list(made.body["data"]) == KEYS
    assert {key: made.data[key] for key in KEYS[1:11]} == {
        "service_id": service_id,
        "title": "Yoga",
        "start_time": text(SOON),
        "end_time": text(SOON + timedelta(minutes=90)),
        "timezone": "Europe/Berlin",
        "location_id": location_id,
        "max_attendance": 7,
        "attendance": 0,
        "remaining": 7,
        "status": "scheduled",
    }
    assert (await staff.get(f"{PATH}/{made.data['uid']}")).body == made.body


async def test_what_is_given_goes_before_the_service(staff: Caller) -> None:
    service_id = await add_service(staff, location_id=await staff.location())
    given = {
        "title": "Yoga at sunrise",
        "start_time": text(SOON),
        "end_time": text(SOON + timedelta(minutes=30)),
        "timezone": "Asia/Tokyo",
        "location_id": await staff.location(),
        "max_attendance": 3,
    }
    made = await post_instance(staff, service_id, **given)
    assert {key: made.data[key] for key in given} == given


FLAWS: list[tuple[dict[str, Any], str]] = [
    ({"title": ""}, "title"),
    ({"title": "x" * 201}, "title"),
    ({"start_time": "2031-02-15T10:00:00"}, "start_time"),
    ({"start_time": "2031-02-15T10:00:00.5Z"}, "start_time"),
    ({"start_time": 5}, "start_time"),
    ({"start_time": text(SOON), "end_time": text(SOON)}, "end_time"),
    ({"start_time": text(SOON), "end_time": text(SOON + timedelta(days=32))}, "end_time"),
    ({"start_time": "2299-01-01T00:00:00Z", "end_time": "2299-01-01T01:00:00Z"}, "end_time"),
    ({"start_time": "1969-01-01T00:00:00Z", "end_time": "1969-01-01T01:00:00Z"}, "start_time"),
    ({"timezone": "Mars"}, "timezone"),
    ({"location_id": "loc_none"}, "location_id"),
    ({"max_attendance": 0}, "max_attendance"),
    ({"max_attendance": 100_001}, "max_attendance"),
    ({"max_attendance": "4"}, "max_attendance"),
    ({"max_attendance": True}, "max_attendance"),
    ({"attendance": 1}, "attendance"),
]


@pytest.mark.parametrize(("fields", "param"), FLAWS)
async def test_bad_input_is_refused_in_making_and_changing(staff: Caller, fields: dict[str, Any], param: str) -> None:
    made = await add_instance(staff)
    path = f"{PATH}/{made['uid']}"
    for refused in (
        await post_instance(staff, made["service_id"], **fields),
        await staff.patch(path, fields),
    ):
        assert (refused.status, refused.code, refused.body["error"]["param"]) == (422, "validation_failed", param)
    assert (await staff.get(path)).data == made
    assert [one["uid"] for one in (await staff.get(PATH)).data] == [made["uid"]]


async def test_every_flaw_is_told_at_once(staff: Caller) -> None:
    appointment = await add_service(staff, service_type="appointment")
    deleted = await add_service(staff)
    assert (await staff.delete(f"/v2/settings/services/{deleted}")).status == 200
    refused = await post_instance(staff, appointment, location_id="loc_none", end_time=text(SOON))
    assert [(flaw["param"], flaw["message"]) for flaw in refused.body["error"]["details"]["errors"]] == [
        ("service_id", "must be the id of a service of the type event"),
        ("location_id", "must be the id of a location; there is none with this id"),
        ("end_time", "must be after start_time"),
    ]
    for service_id in ("svc_none", deleted):
        refused = await post_instance(staff, service_id, location_id="loc_none")
        assert [flaw["param"] for flaw in refused.body["error"]["details"]["errors"]] == ["service_id", "location_id"]
    missing = await staff.post(PATH, {})
    assert [flaw["param"] for flaw in missing.body["error"]["details"]["errors"]] == ["service_id", "start_time"]


@pytest.mark.parametrize("field", ["title", "start_time", "end_time", "timezone", "max_attendance", "status"])
async def test_what_must_have_a_value_cannot_be_taken_away(staff: Caller, field: str) -> None:
    made = await add_instance(staff)
    refused = await staff.patch(f"{PATH}/{made['uid']}", {field: None})
    assert (refused.status, refused.body["error"]["param"]) == (422, field)


@pytest.mark.parametrize("status", ["cancelled", "gone", 1])
async def test_only_its_own_endpoint_cancels(staff: Caller, status: object) -> None:
    made = await add_instance(staff)
    refused = await staff.patch(f"{PATH}/{made['uid']}", {"status": status})
    assert (refused.status, refused.body["error"]["message"]) == (
        422,
        "status: must be scheduled; a POST to /cancel cancels",
    )


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("2031-03-30T01:59:59+01:00", "2031-03-30T00:59:59Z"),  # the last second before Berlin's spring gap
        ("2031-03-30T03:00:00+02:00", "2031-03-30T01:00:00Z"),
        ("2031-10-26T02:30:00+02:00", "2031-10-26T00:30:00Z"),  # the first and the second of Berlin's autumn fold
        ("2031-10-26T02:30:00+01:00", "2031-10-26T01:30:00Z"),
    ],
)
async def test_times_are_kept_in_utc_whatever_the_clocks_do(staff: Caller, given: str, stored: str) -> None:
    made = await add_instance(staff, start_time=given)
    assert made["start_time"] == stored
    assert parse_instant(made["end_time"]) - parse_instant(stored) == timedelta(hours=1)
    moved = await staff.patch(f"{PATH}/{made['uid']}", {"timezone": "America/New_York"})
    assert (moved.data["start_time"], moved.data["end_time"]) == (stored, made["end_time"])


async def test_a_repeated_post_with_an_idempotency_key_makes_one(staff: Caller) -> None:
    body = {"service_id": await add_service(staff), "start_time": text(SOON)}
    first = await staff.post(PATH, body, Idempotency_Key="a")
    again = await staff.post(PATH, body, Idempotency_Key="a")
    assert (first.status, first.body) == (201, again.body)
    assert len((await staff.get(PATH)).data) == 1


async def test_a_list_is_filtered_and_comes_in_pages_by_start(staff: Caller) -> None:
    service_id, location_id = await add_service(staff), await staff.location()
    days = [3, 0, 2, 1]
    uids = {
        day: (await post_instance(staff, service_id, start_time=text(SOON + timedelta(days=day)))).data["uid"]
        for day in days
    }
    other = (await add_instance(staff, location_id=location_id, start_time=text(SOON + timedelta(days=9))))["uid"]
    await staff.post(f"{PATH}/{uids[2]}/cancel", {})

    async def listed(query: str) -> list[str]:
        answer = await staff.get(f"{PATH}?{query}")
        return [one["uid"] for one in answer.data]

    assert await listed("") == [uids[0], uids[1], uids[2], uids[3], other]
    assert await listed(f"service_id={service_id}&per_page=3") == [uids[0], uids[1], uids[2]]
    assert await listed(f"service_id={service_id}&per_page=3&page=2") == [uids[3]]
    assert await listed("page=9") == []
    assert await listed("status=cancelled") == [uids[2]]
    assert await listed(f"status=scheduled&service_id={service_id}") == [uids[0], uids[1], uids[3]]
    assert await listed(f"location_id={location_id}") == [other]
    start, end = text(SOON + timedelta(days=1)), text(SOON + timedelta(days=3))
    assert await listed(f"from={start}&to={end}") == [uids[1], uids[2], uids[3]]
    assert await listed(f"from={start}&to={start}") == [uids[1]]
    assert await listed(f"to={start}&service_id={service_id}") == [uids[0], uids[1]]
    assert await listed(f"from={end}") == [uids[3], other]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("page=0", "page"),
        ("per_page=0", "per_page"),
        ("per_page=101", "per_page"),
        ("status=gone", "status"),
        ("from=yesterday", "from"),
        ("from=2031-01-02T00:00:00", "from"),
        ("to=2031-02-30", "to"),
        ("color=red", "color"),
    ],
)
async def test_a_bad_query_is_refused(staff: Caller, query: str, param: str) -> None:
    refused = await staff.get(f"{PATH}?{query}")
    assert (refused.status, refused.body["error"]["param"]) == (422, param)


async def test_a_page_has_25_unless_more_are_asked_for(staff: Caller) -> None:
    service_id = await add_service(staff)
    for _ in range(26):
        await post_instance(staff, service_id)
    first, last = await staff.get(PATH), await staff.get(f"{PATH}?page=2")
    assert (len(first.data), first.body["meta"]) == (25, {"total": 26, "page": 1, "per_page": 25, "hasMore": True})
    assert (len(last.data), last.body["meta"]) == (1, {"total": 26, "page": 2, "per_page": 25, "hasMore": False})
    assert len((await staff.get(f"{PATH}?per_page=100")).data) == 26


async def test_dates_are_the_instances_own_and_included(staff: Caller) -> None:
    service_id = await add_service(staff)
    late = "2031-03-05T15:30:00Z"  # the 6th in Tokyo, the 5th in New York
    tokyo, new_york = [
        (await post_instance(staff, service_id, start_time=late, timezone=zone)).data["uid"]
        for zone in ("Asia/Tokyo", "America/New_York")
    ]

    async def listed(query: str) -> set[str]:
        answer = await staff.get(f"{PATH}?{query}")
        assert answer.body["meta"]["total"] == len(answer.data)
        return {one["uid"] for one in answer.data}

    assert await listed("from=2031-03-06") == {tokyo}
    assert await listed("to=2031-03-05") == {new_york}
    assert await listed("from=2031-03-05&to=2031-03-06") == {tokyo, new_york}
    assert await listed("from=2031-03-06&to=2031-03-06") == {tokyo}
    assert await listed("from=2031-03-05T00:00:00Z&to=2031-03-05") == {new_york}
    assert await listed("from=2031-03-07&to=2031-03-05") == set()


async def test_a_change_is_told_and_no_change_is_not(service: Service, staff: Caller) -> None:
    made = await add_instance(staff)
    path, location_id = f"{PATH}/{made['uid']}", await staff.location()
    changes = {"title": "Yin yoga", "timezone": "Europe/Paris", "location_id": location_id, "max_attendance": 4}
    assert (await staff.patch(path, {})).data == made
    assert (await staff.patch(path, {"title": made["title"], "status": "scheduled"})).data == made
    changed = await staff.patch(path, changes)
    assert changed.data == {**made, **changes, "remaining": 4, "updated_at": changed.data["updated_at"]}
    assert (await staff.get(path)).body == changed.body
    cleared = await staff.patch(path, {"location_id": None})
    assert cleared.data["location_id"] is None
    first, second = await told(service, [made["uid"]], 2)
    assert [(event.type, event.sequence) for event in (first, second)] == [
        ("event_instance.updated", 1),
        ("event_instance.updated", 2),
    ]
    assert (first.orgid, first.actor, first.id < second.id) == (staff.org_id, "staff", True)
    data = first.data.model_dump(mode="json")
    assert data["change"] == {"changes": {name: {"from": made[name], "to": value} for name, value in changes.items()}}
    del changed.data["remaining"]
    assert data["resource"] == {"id": changed.data.pop("uid"), **changed.data}


async def test_holds_count(staff: Caller) -> None:
    made = await add_instance(staff)
    await hold(staff, made["uid"], 3)
    for shown in ((await staff.get(f"{PATH}/{made['uid']}")).data, (await staff.get(PATH)).data[0]):
        assert (shown["attendance"], shown["remaining"]) == (3, 7)


async def test_a_capacity_keeps_every_spot_that_is_taken(staff: Caller) -> None:
    made = await add_instance(staff)
    path = f"{PATH}/{made['uid']}"
    await registered(staff, made["uid"], party_size=5)
    await hold(staff, made["uid"], 2)
    refused = await staff.patch(path, {"max_attendance": 6})
    assert (refused.status, refused.code) == (422, "validation_failed")
    assert refused.body["error"]["message"] == "max_attendance: must be at least 7: so many spots are taken"
    assert refused.body["error"]["details"]["errors"][0]["rule"] == "in_use"
    lowered = await staff.patch(path, {"max_attendance": 7})
    assert (lowered.data["attendance"], lowered.data["remaining"]) == (7, 0)
    raised = await staff.patch(path, {"max_attendance": 8})
    assert (raised.data["attendance"], raised.data["remaining"]) == (7, 1)


async def test_spots_and_a_lowered_capacity_race_and_it_is_never_overfull(staff: Caller) -> None:
    made = await add_instance(staff)
    path = f"{PATH}/{made['uid']}"
    answers = await asyncio.gather(
        *(register(staff, made["uid"]) for _ in range(10)),
        *(staff.patch(path, {"max_attendance": size}) for size in (3, 5, 7)),
    )
    assert {answer.status for answer in answers[:10]} <= {201, 409}
    assert {answer.status for answer in answers[10:]} <= {200, 422}
    shown = (await staff.get(path)).data
    assert shown["attendance"] == sum(answer.status == 201 for answer in answers)
    assert shown["remaining"] >= 0


async def test_what_is_deleted_is_found_nowhere(service: Service, staff: Caller, db: Database) -> None:
    kept, made = await add_instance(staff), await add_instance(staff)
    path = f"{PATH}/{made['uid']}"
    await hold(staff, made["uid"], 1)
    deleted = await staff.delete(path)
    assert (deleted.status, deleted.body) == (200, {"data": {"uid": made["uid"], "deleted": True}})
    for answer in (
        await staff.get(path),
        await staff.patch(path, {"title": "Back again"}),
        await staff.patch(path, {"status": "scheduled"}),
        await staff.post(f"{path}/cancel", {}),
        await staff.get(f"{path}/registrations"),
        await register(staff, made["uid"]),
        await staff.delete(path),
    ):
        assert (answer.status, answer.code) == (404, "not_found")
    for refused in (
        await staff.post("/api/v1/holds", {"event_instance_id": made["uid"]}),
        await staff.post("/api/v1/bookings", {"event_instance_id": made["uid"], "attendee": somebody()}),
    ):
        (flaw,) = refused.body["error"]["details"]["errors"]
        assert (refused.status, flaw["param"], flaw["rule"]) == (422, "event_instance_id", "unknown")
    assert [one["uid"] for one in (await staff.get(PATH)).data] == [kept["uid"]]
    assert (await staff.delete(f"/v2/settings/services/{made['service_id']}")).status == 200
    async with db.connection() as conn:
        deleted_at = await conn.fetchval("SELECT deleted_at FROM event_instances WHERE id = $1", made["uid"])
        held = await conn.fetchval("SELECT count(*) FROM holds WHERE event_instance_id = $1", made["uid"])
    assert (deleted_at is not None, held) == (True, 0)
    (event,) = await told(service, [made["uid"]], 1)
    assert event.type == "event_instance.cancelled"
    assert event.data.model_dump(mode="json")["change"] == {"reason": "event_cancelled"}


async def test_deleting_what_was_cancelled_tells_no_more(service: Service, staff: Caller) -> None:
    made = await add_instance(staff)
    path = f"{PATH}/{made['uid']}"
    await staff.post(f"{path}/cancel", {"reason": "rain"})
    assert (await staff.delete(path)).status == 200
    other = await add_instance(staff)
    await staff.delete(f"{PATH}/{other['uid']}")
    events = await told(service, [made["uid"], other["uid"]], 2)
    assert [event.subject for event in events].count(made["uid"]) == 1


async def test_bookings_keep_it_unless_they_were_called_off(staff: Caller) -> None:
    made = await add_instance(staff)
    path = f"{PATH}/{made['uid']}"
    one, two = [await registered(staff, made["uid"], status) for status in ("CONFIRMED", "SEATED")]
    declined = await registered(staff, made["uid"], "PENDING")
    await staff.patch(f"/api/v1/bookings/{declined['id']}", {"status": "DECLINED"})
    refused = await staff.delete(path)
    assert (refused.status, refused.code) == (409, "in_use")
    told_of = f"2 bookings use this event instance, the last until {made['end_time']}"
    assert refused.body["error"]["message"] == told_of
    assert refused.body["error"]["details"] == {"bookings": 2}
    await staff.patch(f"/api/v1/bookings/{two['id']}", {"status": "COMPLETED"})
    await staff.post(f"{path}/cancel", {})
    refused = await staff.delete(path)
    assert refused.body["error"]["details"] == {"bookings": 1}
    assert (await staff.get(path)).status == 200
    assert (await staff.get(f"/api/v1/bookings/{one['id']}")).data["status"] == "CANCELLED"


async def test_cancelled_registrations_outlive_it(staff: Caller) -> None:
    made = await add_instance(staff)
    booking = await registered(staff, made["uid"], "CANCELLED")
    assert (await staff.delete(f"{PATH}/{made['uid']}")).status == 200
    path = f"/api/v1/bookings/{booking['id']}"
    assert (await staff.get(path)).data == booking
    assert (await staff.patch(path, {"title": "Never came"})).data["title"] == "Never came"
    assert [one["id"] for one in (await staff.get(f"/api/v1/bookings?event_instance_id={made['uid']}")).data] == [
        booking["id"]
    ]


async def test_it_is_deleted_or_registered_for(staff: Caller) -> None:
    service_id = await add_service(staff)
    outcomes: Counter[int] = Counter()
    for number in range(12):
        uid = (await post_instance(staff, service_id)).data["uid"]
        deleting = staff.delete(f"{PATH}/{uid}")
        registering = [register(staff, uid) for _ in range(4)]
        order = [deleting, *registering] if number % 2 else [*registering, deleting]
        answers = await asyncio.gather(*order)
        deleted, *booked = answers if number % 2 else [answers[-1], *answers[:-1]]
        made = {answer.status for answer in booked}
        assert made <= {404, 422} if deleted.status == 200 else made == {201}
        outcomes[deleted.status] += 1
    assert set(outcomes) <= {200, 409}


async def test_an_unknown_id_is_not_found(staff: Caller) -> None:
    path = f"{PATH}/inst_none"
    for answer in (
        await staff.get(path),
        await staff.patch(path, {"title": "x"}),
        await staff.patch(path, {"start_time": text(SOON)}),
        await staff.delete(path),
        await staff.post(f"{path}/cancel", {}),
        await staff.get(f"{path}/registrations"),
    ):
        assert (answer.status, answer.code) == (404, "not_found")


async def test_every_operation_is_described(service: Service) -> None:
    async with service.http.get(f"{service.base}/openapi.json") as response:
        paths = (await response.json())["paths"]
    assert {path: sorted(operations) for path, operations in paths.items() if path.startswith(PATH)} == {
        PATH: ["get", "post"],
        f"{PATH}/{{id}}": ["delete", "get", "patch"],
        f"{PATH}/{{id}}/cancel": ["post"],
        f"{PATH}/{{id}}/registrations": ["get", "post"],
    }


async def test_a_class_beyond_the_calendar_is_refused(staff: Caller) -> None:
    service_id = await add_service(staff)
    for start in ("9999-12-31T23:59:59Z", "2200-01-01T00:00:00Z", "2199-12-31T23:30:00Z"):
        refused = await staff.post("/v2/event_instances", {"service_id": service_id, "start_time": start})
        assert (refused.status, refused.code) == (422, "validation_failed")
