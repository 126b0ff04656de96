"""Bad input: each a clear error that names the field and the rule, and nothing has changed."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from yarl import URL

from chassis.postgres import Database
from support.booking_service import SOON, Answer, Caller, Service, a_body, text

# The outbox's rows leave with the relay; its counter only ever rises, even for rows that were rolled back.
COUNTS = """
SELECT
    (SELECT count(*) FROM bookings WHERE org_id = $1) AS bookings,
    (SELECT count(*) FROM history WHERE org_id = $1) AS history,
    (SELECT count(*) FROM occupancy JOIN resources USING (resource_no) WHERE org_id = $1) AS occupancy,
    (SELECT count(*) FROM resources WHERE org_id = $1) AS resources,
    (SELECT sum(version) FROM bookings WHERE org_id = $1) AS versions,
    (SELECT last_value FROM pg_sequences WHERE sequencename = 'outbox_id_seq') AS outbox
"""


@dataclass(frozen=True)
class Furnished:
    """An organization with one of everything."""

    schedule_id: str
    event_type_id: str
    location_id: str
    table_id: str
    booking_id: str
    cancelled_id: str
    version: int


@pytest.fixture
async def ids(staff: Caller) -> Furnished:
    schedule_id = await staff.schedule(weekly_hours={day: [{"start": "00:00", "end": "00:00"}] for day in WEEK})
    location_id = await staff.location()
    event_type_id = await staff.event_type(schedule_id=await staff.schedule())
    made = await staff.book(schedule_id=schedule_id)
    cancelled = await staff.book(schedule_id=schedule_id, at=SOON.replace(hour=15))
    await staff.delete(f"/api/v1/bookings/{cancelled.data['id']}")
    table_id = await staff.table(location_id, 4, min_party=2)
    return Furnished(schedule_id, event_type_id, location_id, table_id, made.data["id"], cancelled.data["id"], 1)


WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@pytest.fixture
async def unchanged(staff: Caller, ids: Furnished, db: Database) -> AsyncIterator[None]:
    """Compare the tables around the test."""

    async def counts() -> Mapping[str, Any]:
        async with db.connection() as conn:
            row = await conn.fetchrow(COUNTS, staff.org_id)
            assert row is not None
            return dict(row)

    assert ids.booking_id
    before = await counts()
    yield
    assert await counts() == before


def is_well_put(error: Mapping[str, Any]) -> bool:
    """Tell whether a message has its form: the field first in a flaw, else lower case; no full stop."""
    message: str = error["message"]
    if error["code"] == "validation_failed":
        return message.startswith(f"{error['param']}: ") and not message.endswith(".")
    return message[0].islower() and not message.endswith(".")


def check(answer: Answer, status: int, code: str, param: str | None, rule: str | None = None) -> None:
    error = answer.body["error"]
    assert (answer.status, error["code"], error.get("param")) == (status, code, param), error
    assert is_well_put(error), error["message"]
    assert error["request_id"] == answer.headers["X-Request-Id"]
    if rule is not None:
        assert (param, rule) in [(one["param"], one["rule"]) for one in error["details"]["errors"]], error


LATER = SOON.replace(hour=18)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("fields", "param", "rule"),
    [
        ({"schedule_id": None}, "schedule_id", "missing"),
        ({"schedule_id": ""}, "schedule_id", "string_too_short"),
        ({"schedule_id": 5}, "schedule_id", "string_type"),
        ({"schedule_id": "sch_none"}, "schedule_id", "unknown"),
        ({"schedule_id": "x" * 65}, "schedule_id", "string_too_long"),
        ({"event_type_id": "evt_none"}, "event_type_id", "unknown"),
        ({"location_id": "loc_none"}, "location_id", "unknown"),
        ({"start_time": None}, "start_time", "missing"),
        ({"start_time": 1771149600}, "start_time", "string_type"),
        ({"start_time": "tomorrow"}, "start_time", "instant"),
        ({"start_time": "2026-02-30T10:00:00Z"}, "start_time", "instant"),
        ({"start_time": "2026-02-15T10:00:00"}, "start_time", "offset"),
        ({"start_time": "2026-02-15T10:00:00", "timezone": "Europe/Berlin"}, "start_time", "offset"),
        ({"start_time": "2026-02-15T10:00:00.25Z"}, "start_time", "whole_second"),
        ({"start_time": "1970-01-01T23:59:59Z", "end_time": "1970-01-02T01:00:00Z"}, "start_time", "bounds"),
        ({"start_time": "2199-12-31T23:00:00Z", "end_time": "2200-01-01T00:00:00Z"}, "end_time", "bounds"),
        ({"start_time": "9999-12-31T23:00:00Z", "end_time": "9999-12-31T23:59:59Z"}, "end_time", "bounds"),
        ({"end_time": text(LATER)}, "end_time", "after_start"),
        ({"end_time": text(LATER.replace(hour=17))}, "end_time", "after_start"),
        ({"start_time": "2026-01-01T00:00:00Z", "end_time": "2026-02-01T00:00:01Z"}, "end_time", "max_duration"),
        ({"timezone": "Mars/Olympus"}, "timezone", "time_zone"),
        ({"timezone": "../../etc/passwd"}, "timezone", "time_zone"),
        ({"title": "x" * 201}, "title", "string_too_long"),
        ({"location_type": "telepathy"}, "location_type", "literal_error"),
        ({"attendee": None}, "attendee", None),
        ({"attendee": {"name": "Ada"}}, "attendee.email", "missing"),
        ({"attendee": {"name": " ", "email": "a@b.example"}}, "attendee.name", "string_too_short"),
        ({"attendee": {"name": "Ada", "email": "ada"}}, "attendee.email", "email"),
        ({"attendee": {"name": "Ada", "email": "ada@example"}}, "attendee.email", "email"),
        ({"attendee": {"name": "Ada", "email": "a da@example.com"}}, "attendee.email", "email"),
        ({"attendee": {"name": "Ada", "email": "a@b@example.com"}}, "attendee.email", "email"),
        ({"attendee": {"name": "Ada", "email": "a@b.example", "timezone": "x"}}, "attendee.timezone", "time_zone"),
        ({"attendee": {"name": "Ada", "email": "a@b.example", "mail": "x"}}, "attendee.mail", "extra_forbidden"),
        ({"attendee": {"name": "A\0da", "email": "a@b.example"}}, "attendee.name", None),
        ({"metadata": []}, "metadata", "dict_type"),
        ({"metadata": None}, "metadata", "dict_type"),
        ({"metadata": {"a": "x" * 17_000}}, "metadata", "max_size"),
        ({"metadata": {"a": ["b\0"]}}, "metadata.a.0", None),
        ({"party_size": 0}, "party_size", "greater_than_equal"),
        ({"party_size": "2"}, "party_size", "int_type"),
        ({"party_size": True}, "party_size", "int_type"),
        ({"party_size": 10**30}, "party_size", None),
        ({"status": "CONFIRMED"}, "status", "literal_error"),
        ({"override_availability": "yes"}, "override_availability", "bool_type"),
        ({"table_ids": ["tbl_none"]}, "table_ids", "location_id"),
        ({"org_id": "org_else"}, "org_id", "extra_forbidden"),
        ({"client_id": "cli_else"}, "client_id", "unknown"),
    ],
)
async def test_a_bad_body_makes_no_booking(
    staff: Caller, ids: Furnished, fields: dict[str, Any], param: str, rule: str | None
) -> None:
    body = {**a_body(at=LATER, schedule_id=ids.schedule_id), **fields}
    check(await staff.post("/api/v1/bookings", body), 422, "validation_failed", param, rule)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"table_ids": ["tbl_none"]}, "unknown"),
        ({"table_ids": "one", "party_size": 5}, "max_party"),
        ({"table_ids": "one", "party_size": 1}, "min_party"),
        ({"table_ids": "twice", "party_size": 2}, "unique"),
    ],
)
async def test_tables_that_do_not_fit_make_no_booking(
    staff: Caller, ids: Furnished, fields: dict[str, Any], rule: str
) -> None:
    named = {"one": [ids.table_id], "twice": [ids.table_id, ids.table_id]}
    tables = fields["table_ids"] if isinstance(fields["table_ids"], list) else named[fields["table_ids"]]
    body = a_body(at=LATER, location_id=ids.location_id, **{**fields, "table_ids": tables})
    check(await staff.post("/api/v1/bookings", body), 422, "validation_failed", "table_ids", rule)


@pytest.mark.usefixtures("unchanged")
async def test_an_event_type_of_another_schedule_makes_no_booking(staff: Caller, ids: Furnished) -> None:
    body = a_body(at=LATER, schedule_id=ids.schedule_id, event_type_id=ids.event_type_id)
    check(await staff.post("/api/v1/bookings", body), 422, "validation_failed", "event_type_id", "schedule_id")


@pytest.mark.usefixtures("unchanged")
async def test_every_bad_field_is_told(staff: Caller) -> None:
    refused = await staff.post("/api/v1/bookings", {"start_time": "x", "attendee": {"email": "y"}, "party_size": -1})
    told = {one["param"] for one in refused.body["error"]["details"]["errors"]}
    assert told == {"schedule_id", "start_time", "end_time", "attendee.name", "attendee.email", "party_size"}


@pytest.mark.usefixtures("unchanged")
async def test_every_id_that_names_nothing_is_told_with_all_else_that_breaks_a_rule(
    service: Service, staff: Caller, ids: Furnished
) -> None:
    past = {"start_time": "2024-02-15T10:00:00Z", "end_time": "2024-02-15T11:00:00Z"}
    nowhere = {"schedule_id": "sch_none", "location_id": "loc_none", "event_type_id": "evt_none"}
    body = {**a_body(), **past, **nowhere, "metadata": {"a": "x" * 17_000}}
    client = await service.client(staff.org_id, "cli_ada")
    refused = await client.post("/api/v1/bookings", body)
    check(refused, 422, "validation_failed", "schedule_id", "unknown")
    assert [(one["param"], one["rule"]) for one in refused.body["error"]["details"]["errors"]] == [
        ("schedule_id", "unknown"),
        ("location_id", "unknown"),
        ("event_type_id", "unknown"),
        ("start_time", "past"),
        ("metadata", "max_size"),
    ]
    tables: dict[str, Any] = {
        "location_id": ids.location_id,
        "table_ids": ["tbl_none", ids.table_id, "tbl_other", ids.table_id],
    }
    refused = await staff.post("/api/v1/bookings", a_body(at=LATER, **tables))
    assert [one["message"] for one in refused.body["error"]["details"]["errors"]] == [
        f"must not name {ids.table_id} twice",
        "must name tables of the location, and tbl_none is none",
        "must name tables of the location, and tbl_other is none",
    ]


@pytest.mark.usefixtures("unchanged")
async def test_a_taken_slot_makes_no_booking(staff: Caller, ids: Furnished) -> None:
    check(await staff.book(schedule_id=ids.schedule_id), 409, "slot_unavailable", "start_time")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("fields", "status", "code", "param"),
    [
        ({"status": "NO_SHOW"}, 409, "invalid_status_transition", "status"),
        ({"status": "COMPLETED"}, 409, "invalid_status_transition", "status"),
        ({"status": "DONE"}, 422, "validation_failed", "status"),
        ({"status": None}, 422, "validation_failed", "status"),
        ({"start_time": None}, 422, "validation_failed", "start_time"),
        ({"end_time": text(SOON)}, 422, "validation_failed", "end_time"),
        ({"title": "Tea", "end_time": text(SOON)}, 422, "validation_failed", "end_time"),
        ({"title": "Tea", "status": "COMPLETED"}, 409, "invalid_status_transition", "status"),
        ({"timezone": None}, 422, "validation_failed", "timezone"),
        ({"attendee": {"name": None}}, 422, "validation_failed", "attendee.name"),
        ({"attendee": {"email": "x"}}, 422, "validation_failed", "attendee.email"),
        ({"attendee": None}, 422, "validation_failed", "attendee"),
        ({"metadata": None}, 422, "validation_failed", "metadata"),
        ({"metadata": {"a": "x" * 17_000}}, 422, "validation_failed", "metadata"),
        ({"party_size": None}, 422, "validation_failed", "party_size"),
        ({"table_ids": ["tbl_none"]}, 422, "validation_failed", "table_ids"),
        ({"schedule_id": "sch_other"}, 422, "validation_failed", "schedule_id"),
        ({"version": 7}, 422, "validation_failed", "version"),
    ],
)
async def test_a_bad_patch_changes_nothing(
    staff: Caller, ids: Furnished, fields: dict[str, Any], status: int, code: str, param: str
) -> None:
    path = f"/api/v1/bookings/{ids.booking_id}"
    before = await staff.get(path)
    check(await staff.patch(path, fields), status, code, param)
    assert (await staff.get(path)).body == before.body


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"status": "CONFIRMED"}, "status"),
        ({"status": "CONFIRMED", "correction": True}, "status"),
        ({"start_time": text(SOON.replace(hour=9)), "end_time": text(SOON)}, "start_time"),
        ({"end_time": text(SOON.replace(hour=17))}, "end_time"),
        ({"table_ids": []}, "table_ids"),
    ],
)
async def test_a_cancelled_booking_stays_so(staff: Caller, ids: Furnished, fields: dict[str, Any], param: str) -> None:
    refused = await staff.patch(f"/api/v1/bookings/{ids.cancelled_id}", fields)
    check(refused, 409, "invalid_status_transition", param)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("name", ["bk_none", "x" * 300, "%C3%A4", "bk%00", "%F0%9F%A6%86", "%ff"])
async def test_an_unknown_id_is_not_found(staff: Caller, method: str, name: str) -> None:
    async with staff.http.request(
        method,
        URL(f"{staff.base}/api/v1/bookings/{name}", encoded=True),
        json={} if method == "PATCH" else None,
        headers=staff.headers,
    ) as response:
        assert response.status == 404
        assert (await response.json())["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/api/v1/bookings/none", "there is no such booking"),
        ("/v1/reservations/none/events", "there is no such booking"),
        ("/api/v1/event-types/none", "there is no such event type"),
        ("/api/v1/tables/none", "there is no such table"),
    ],
)
async def test_what_is_not_there_is_called_by_its_name(staff: Caller, path: str, message: str) -> None:
    refused = await staff.get(path)
    check(refused, 404, "not_found", None)
    assert refused.body["error"]["message"] == message


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("version", "status", "code"),
    [("2", 409, "version_conflict"), ('"0"', 409, "version_conflict"), ("x", 422, "validation_failed")],
)
async def test_a_version_that_is_not_the_bookings_changes_nothing(
    staff: Caller, ids: Furnished, version: str, status: int, code: str
) -> None:
    path = f"/api/v1/bookings/{ids.booking_id}"
    check(await staff.patch(path, {"title": "Tea"}, If_Match=version), status, code, "If-Match")
    check(await staff.send("DELETE", path, headers={"If-Match": version}), status, code, "If-Match")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("raw", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "invalid_json"),
        (b"\xff", "application/json", 400, "invalid_json"),
        (b"[]", "application/json", 422, "validation_failed"),
        (b"null", "application/json", 422, "validation_failed"),
        (b"", "application/json", 422, "validation_failed"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b" " * (256 * 1024 + 1), "application/json", 413, "body_too_large"),
        (b'{"metadata":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "application/json", 400, "invalid_json"),
    ],
)
async def test_what_is_no_body_is_refused(staff: Caller, raw: bytes, kind: str, status: int, code: str) -> None:
    headers = {**staff.headers, "Content-Type": kind}
    async with staff.http.post(f"{staff.base}/api/v1/bookings", data=raw, headers=headers) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (status, code)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("value", ["1e999", "NaN", '"\\ud800"', "-Infinity"])
async def test_metadata_that_json_cannot_hold_is_refused(staff: Caller, ids: Furnished, value: str) -> None:
    raw = json.dumps(a_body(at=LATER, schedule_id=ids.schedule_id, metadata={"a": "VALUE"})).replace('"VALUE"', value)
    headers = {**staff.headers, "Content-Type": "application/json"}
    async with staff.http.post(f"{staff.base}/api/v1/bookings", data=raw, headers=headers) as response:
        assert (response.status, (await response.json())["error"]["code"]) in {
            (422, "validation_failed"),
            (400, "invalid_json"),
        }


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("status=OPEN", "status"),
        ("upcoming=perhaps", "upcoming"),
        ("start_date=yesterday", "start_date"),
        ("start_date=yesterday&end_date=2026-02-30", "start_date"),
        ("end_date=2026-02-30", "end_date"),
        ("start_date=2026-02-15T10:00:00", "start_date"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("offset=-1", "offset"),
        ("offset=99999999999999999999", "offset"),
        ("schedule_id=", "schedule_id"),
        ("shedule_id=sch_1", "shedule_id"),
    ],
)
async def test_a_bad_query_lists_nothing(staff: Caller, query: str, param: str) -> None:
    check(await staff.get(f"/api/v1/bookings?{query}"), 422, "validation_failed", param)
