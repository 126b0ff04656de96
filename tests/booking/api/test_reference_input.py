"""Bad input of reference data: each a clear error that names the field and the rule, and nothing has changed."""

from typing import Any

import pytest

from support.booking_service import Caller
from support.reference_data import PATHS, WHOLE, filled, key_of

NINE_TO_TEN = {"start": "09:00", "end": "10:00"}
OPEN = "weekly_hours.monday.0"


def days(number: int) -> dict[str, list[Any]]:
    """So many single dates."""
    return {f"{2100 + n // 300}-{n % 300 // 25 + 1:02}-{n % 25 + 1:02}": [] for n in range(number)}


@pytest.mark.parametrize(
    ("kind", "fields", "param", "rule"),
    [
        ("locations", {"name": ""}, "name", "string_too_short"),
        ("locations", {"name": "x" * 201}, "name", "string_too_long"),
        ("locations", {"timezone": "Mars"}, "timezone", "time_zone"),
        ("locations", {"auto_confirm": 1}, "auto_confirm", "bool_type"),
        ("locations", {"color": "red"}, "color", "extra_forbidden"),
        ("locations", {"weekly_hours": {"monday": [{"start": "9"}]}}, f"{OPEN}.start", "string_pattern_mismatch"),
        ("locations", {"date_overrides": {"2026-02-30": []}}, "date_overrides.2026-02-30.[key]", "date"),
        ("locations", {"date_overrides": {"20260215": []}}, "date_overrides.20260215.[key]", "date"),
        ("locations", {"date_overrides": {"2026-02-15T10:00": []}}, "date_overrides.2026-02-15T10:00.[key]", "date"),
        ("locations", {"date_overrides": {"1970-01-01": []}}, "date_overrides.1970-01-01.[key]", "bounds"),
        ("locations", {"date_overrides": {"2200-01-01": []}}, "date_overrides.2200-01-01.[key]", "bounds"),
        ("locations", {"date_overrides": {"2026-02-15": None}}, "date_overrides.2026-02-15", "list_type"),
        ("locations", {"date_overrides": {"2026-02-15": [NINE_TO_TEN] * 25}}, "date_overrides.2026-02-15", "too_long"),
        ("locations", {"date_overrides": days(367)}, "date_overrides", "too_long"),
        ("locations", {"visit_minutes": 0}, "visit_minutes", "greater_than_equal"),
        ("locations", {"visit_minutes": 44_641}, "visit_minutes", "less_than_equal"),
        ("locations", {"interval_minutes": 0}, "interval_minutes", "greater_than_equal"),
        ("locations", {"interval_minutes": 1441}, "interval_minutes", "less_than_equal"),
        ("locations", {"one_per_attendee": "yes"}, "one_per_attendee", "bool_type"),
        ("locations", {"complete_after_minutes": -1}, "complete_after_minutes", "greater_than_equal"),
        ("locations", {"complete_after_minutes": 10**9}, "complete_after_minutes", "less_than_equal"),
        ("sections", {"name": ""}, "name", "string_too_short"),
        ("sections", {"color": "red"}, "color", "extra_forbidden"),
        ("tables", {"section_id": "sct_none"}, "section_id", "unknown"),
        ("tables", {"combinable": None}, "combinable", "bool_type"),
        ("tables", {"min_party": 5}, "max_party", "min_party"),
        ("tables", {"max_party": 0}, "max_party", "greater_than_equal"),
        ("tables", {"max_party": 1001}, "max_party", "less_than_equal"),
        ("schedules", {"capacity": 0}, "capacity", "greater_than_equal"),
        ("schedules", {"capacity": 1001}, "capacity", "less_than_equal"),
        ("schedules", {"weekly_hours": {"mon": []}}, "weekly_hours.mon.[key]", "literal_error"),
        ("schedules", {"weekly_hours": {"monday": [{"start": "09:00"}]}}, f"{OPEN}.end", "missing"),
        (
            "schedules",
            {"weekly_hours": {"monday": [{"start": "09:00", "end": "24:00"}]}},
            f"{OPEN}.end",
            "string_pattern_mismatch",
        ),
        ("schedules", {"weekly_hours": {"monday": [NINE_TO_TEN] * 25}}, "weekly_hours.monday", "too_long"),
        ("schedules", {"date_overrides": {"tomorrow": []}}, "date_overrides.tomorrow.[key]", "date"),
        ("schedules", {"date_overrides": []}, "date_overrides", "dict_type"),
        ("schedules", {"max_bookings_per_day": 0}, "max_bookings_per_day", "greater_than_equal"),
        ("schedules", {"max_bookings_per_day": 1_000_001}, "max_bookings_per_day", "less_than_equal"),
        ("schedules", {"max_bookings_per_minute": 0}, "max_bookings_per_minute", "greater_than_equal"),
        ("schedules", {"max_bookings_per_minute": True}, "max_bookings_per_minute", "int_type"),
        ("schedules", {"one_per_attendee": 0}, "one_per_attendee", "bool_type"),
        ("schedules", {"complete_after_minutes": 1.5}, "complete_after_minutes", "int_type"),
        ("event-types", {"schedule_id": "sch_none"}, "schedule_id", "unknown"),
        ("event-types", {"duration_minutes": 0, "durations_minutes": None}, "duration_minutes", "greater_than_equal"),
        ("event-types", {"duration_minutes": 60}, "durations_minutes", "duration_minutes"),
        ("event-types", {"durations_minutes": []}, "durations_minutes", "too_short"),
        ("event-types", {"durations_minutes": list(range(45, 66))}, "durations_minutes", "too_long"),
        ("event-types", {"durations_minutes": [45, 60, 45]}, "durations_minutes", "unique"),
        ("event-types", {"durations_minutes": [45, 0]}, "durations_minutes.1", "greater_than_equal"),
        ("event-types", {"durations_minutes": [60]}, "durations_minutes", "duration_minutes"),
        ("event-types", {"interval_minutes": 0}, "interval_minutes", "greater_than_equal"),
        ("event-types", {"interval_minutes": 44_641}, "interval_minutes", "less_than_equal"),
        ("event-types", {"minimum_notice_minutes": -1}, "minimum_notice_minutes", "greater_than_equal"),
        ("event-types", {"minimum_notice_minutes": 10**6}, "minimum_notice_minutes", "less_than_equal"),
        ("event-types", {"horizon_days": 0}, "horizon_days", "greater_than_equal"),
        ("event-types", {"horizon_days": 10**6}, "horizon_days", "less_than_equal"),
        ("event-types", {"buffer_after_minutes": -1}, "buffer_after_minutes", "greater_than_equal"),
        ("event-types", {"location_type": "moon"}, "location_type", "literal_error"),
        ("clients", {"name": " "}, "name", "string_too_short"),
        ("clients", {"email": "ada"}, "email", "email"),
        ("clients", {"phone": ""}, "phone", "string_too_short"),
        ("clients", {"timezone": "Mars"}, "timezone", "time_zone"),
        ("clients", {"id": "cli_mine"}, "id", "extra_forbidden"),
        ("services", {"name": ""}, "name", "string_too_short"),
        ("services", {"service_type": "class"}, "service_type", "literal_error"),
        ("services", {"description": "x" * 5001}, "description", "string_too_long"),
        ("services", {"location_id": "loc_none"}, "location_id", "unknown"),
        ("services", {"timezone": "Mars"}, "timezone", "time_zone"),
        ("services", {"duration_minutes": 0}, "duration_minutes", "greater_than_equal"),
        ("services", {"max_attendance": 0}, "max_attendance", "greater_than_equal"),
        ("services", {"max_attendance": 100_001}, "max_attendance", "less_than_equal"),
        ("services", {"requires_confirmation": None}, "requires_confirmation", "bool_type"),
        ("services", {"complete_after_minutes": "60"}, "complete_after_minutes", "int_type"),
        ("services", {"uid": "srv_mine"}, "uid", "extra_forbidden"),
    ],
)
async def test_it_is_refused_in_making_and_changing(
    staff: Caller, kind: str, fields: dict[str, Any], param: str, rule: str
) -> None:
    path = PATHS[kind]
    body = await filled(staff, WHOLE[kind])
    made = await staff.post(path, body)
    one = f"{path}/{made.data[key_of(kind)]}"
    for refused in (await staff.post(path, {**body, **fields}), await staff.patch(one, fields)):
        assert (refused.status, refused.code, refused.body["error"]["param"]) == (422, "validation_failed", param)
        first = refused.body["error"]["details"]["errors"][0]
        assert (first["param"], first["rule"]) == (param, rule)
    assert (await staff.get(one)).body == made.body
    assert (await staff.get(path)).data[-1] == made.data


async def test_each_bad_field_is_told_once(staff: Caller) -> None:
    bad = {
        "name": "",
        "timezone": "Mars",
        "date_overrides": {"2026-02-30": [], "2026-02-27": [{"start": "9", "end": "10:00"}]},
        "visit_minutes": 0,
    }
    refused = await staff.post("/api/v1/locations", bad)
    assert [flaw["param"] for flaw in refused.body["error"]["details"]["errors"]] == [
        "name",
        "timezone",
        "date_overrides.2026-02-30.[key]",
        "date_overrides.2026-02-27.0.start",
        "visit_minutes",
    ]
    refused = await staff.post(
        "/api/v1/tables", {"location_id": "loc_none", "section_id": "sct_none", "name": "T", "max_party": 2}
    )
    assert [flaw["param"] for flaw in refused.body["error"]["details"]["errors"]] == ["location_id", "section_id"]
    assert (await staff.get("/api/v1/locations")).data == []


async def test_the_most_that_is_allowed_is_taken(staff: Caller) -> None:
    dates = {**days(364), "2026-02-15": [NINE_TO_TEN] * 24, "2199-12-31": []}
    body = {"name": "x" * 200, "timezone": "UTC", "date_overrides": dates}
    assert (await staff.post("/api/v1/locations", body)).data["date_overrides"] == dates
    lengths = {"name": "Talk", "duration_minutes": 20, "durations_minutes": list(range(1, 21))}
    assert (await staff.post("/api/v1/event-types", lengths)).status == 201


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("locations", "name"),
        ("locations", "timezone"),
        ("locations", "date_overrides"),
        ("locations", "visit_minutes"),
        ("locations", "one_per_attendee"),
        ("sections", "name"),
        ("tables", "max_party"),
        ("schedules", "capacity"),
        ("schedules", "auto_confirm"),
        ("schedules", "date_overrides"),
        ("event-types", "duration_minutes"),
        ("event-types", "minimum_notice_minutes"),
        ("clients", "name"),
        ("clients", "email"),
        ("services", "service_type"),
        ("services", "timezone"),
    ],
)
async def test_what_must_have_a_value_cannot_be_taken_away(staff: Caller, kind: str, field: str) -> None:
    made = await staff.post(PATHS[kind], await filled(staff, WHOLE[kind]))
    refused = await staff.patch(f"{PATHS[kind]}/{made.data[key_of(kind)]}", {field: None})
    assert (refused.status, refused.body["error"]["param"]) == (422, field)


@pytest.mark.parametrize(("kind", "field"), [("tables", "location_id"), ("sections", "location_id")])
async def test_what_is_at_a_location_stays_there(staff: Caller, kind: str, field: str) -> None:
    made = await staff.post(PATHS[kind], await filled(staff, WHOLE[kind]))
    one = f"{PATHS[kind]}/{made.data['id']}"
    refused = await staff.patch(one, {field: await staff.location()})
    assert (refused.status, refused.body["error"]["param"]) == (422, field)
    assert (await staff.get(one)).body == made.body


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("/api/v1/tables?location_id=", "location_id"),
        ("/api/v1/sections?limit=0", "limit"),
        ("/api/v1/event-types?location_id=loc_1", "location_id"),
        ("/api/v1/clients?email=", "email"),
        ("/v2/settings/services?page=0", "page"),
        ("/v2/settings/services?per_page=101", "per_page"),
        ("/v2/settings/services?per_page=0", "per_page"),
        ("/v2/settings/services?limit=5", "limit"),
        ("/v2/settings/services?business_id=org_else", "business_id"),
    ],
)
async def test_a_bad_query_lists_nothing(staff: Caller, query: str, param: str) -> None:
    refused = await staff.get(query)
    assert (refused.status, refused.code, refused.body["error"]["param"]) == (422, "validation_failed", param)
