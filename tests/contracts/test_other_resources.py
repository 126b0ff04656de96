"""What is no reservation: holds, instances, places, tables, subscriptions, bookings of Cal.com, and their events
(events.md section 2).
"""

import json
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from slotwire_contracts import (
    CATALOG,
    EventInstanceChanges,
    EventInstanceStatus,
    LocationUpdated,
    ReleaseReason,
    decode,
    encode,
)
from support.catalog_events import RESOURCES, a_catalog_event, a_resource

OTHERS = sorted(RESOURCES.keys() - {"reservation"})


def change_of(kind: str, change: dict[str, Any]) -> Any:
    """What a type's event writes of a change."""
    return json.loads(encode(a_catalog_event(kind, change=change)))["data"]["change"]


@pytest.mark.parametrize("resource", OTHERS)
def test_every_field_stands_in_its_place_and_none_may_be_left_out(resource: str) -> None:
    content = RESOURCES[resource]
    made = a_resource(resource)
    assert made.model_dump_json() == json.dumps(content, separators=(",", ":"))
    for name in content:
        with pytest.raises(ValidationError, match=name):
            type(made).model_validate({key: value for key, value in content.items() if key != name})


@pytest.mark.parametrize("resource", OTHERS)
def test_a_snapshot_never_changes(resource: str) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        a_resource(resource).id = "other"  # type: ignore[misc]  # what the test is about


@pytest.mark.parametrize(
    ("resource", "spoilt"),
    [
        ("hold", {"party_size": 0}),
        ("hold", {"expires_at": "2024-02-15T10:00:00"}),
        ("event_instance", {"max_attendance": 0}),
        ("event_instance", {"attendance": -1}),
        ("event_instance", {"status": "SCHEDULED"}),
        ("location", {"weekly_hours": {"Friday": []}}),
        ("location", {"weekly_hours": {"friday": [{"start": "24:00", "end": "01:00"}]}}),
        ("location", {"date_overrides": {"Christmas": []}}),
        ("location", {"date_overrides": None}),
        ("location", {"visit_minutes": 0}),
        ("location", {"interval_minutes": 0}),
        ("location", {"one_per_attendee": None}),
        ("location", {"complete_after_minutes": -1}),
        ("table", {"min_party": 0}),
        ("table", {"max_party": 0}),
        ("webhook_subscription", {"events": []}),
        ("webhook_subscription", {"status": "gone"}),
        ("webhook_subscription", {"disabled_reason": "tired"}),
        ("webhook_subscription", {"updated_at": None}),
        ("calcom_booking", {"chain_id": ""}),
        ("calcom_booking", {"uids": []}),
        ("calcom_booking", {"status": "DECLINED"}),
        ("calcom_booking", {"start_time": "2024-02-15T10:00:00"}),
        ("calcom_booking", {"schedule_id": None}),
        ("calcom_booking", {"party_size": 0}),
        ("calcom_booking", {"attendees": [{"name": "John"}]}),
        ("calcom_booking", {"created_at": None}),
        ("calcom_result", {"observed_sequence": 0}),
        ("calcom_result", {"outcome": "skipped"}),
        ("calcom_result", {"problem": {"param": "schedule_id"}}),
    ],
)
def test_what_no_snapshot_says_is_refused(resource: str, spoilt: dict[str, Any]) -> None:
    (name,) = spoilt
    with pytest.raises(ValidationError, match=name):
        a_resource(resource, **spoilt)


def test_a_hold_ends_by_time_by_hand_or_with_what_it_is_for() -> None:
    assert list(ReleaseReason) == ["expired", "released", "cancelled"]
    with pytest.raises(ValidationError, match="reason"):
        a_catalog_event("hold.released", change={})


def test_an_event_instance_takes_place_or_does_not() -> None:
    assert list(EventInstanceStatus) == ["scheduled", "cancelled"]
    assert change_of("event_instance.cancelled", {}) == {}
    assert change_of("event_instance.cancelled", {"reason": "Snow"}) == {"reason": "Snow"}


def test_an_event_instances_update_follows_exactly_these_fields() -> None:
    listed = "title, start_time, end_time, timezone, location_id, max_attendance, status"
    assert list(EventInstanceChanges.model_fields) == listed.split(", ")
    changes = {
        "start_time": {"from": "2024-02-15T08:00:00Z", "to": "2024-02-15T09:00:00Z"},
        "location_id": {"from": None, "to": "loc_1"},
        "status": {"from": "scheduled", "to": "cancelled"},
    }
    assert change_of("event_instance.updated", {"changes": changes}) == {"changes": changes}


@pytest.mark.parametrize("kind", ["location.created", "location.deleted", "table.created", "table.deleted"])
def test_what_comes_or_goes_says_no_more_than_its_snapshot(kind: str) -> None:
    assert change_of(kind, {}) == {}


@pytest.mark.parametrize("kind", ["location.updated", "table.updated"])
def test_an_update_tells_from_and_to_of_any_field(kind: str) -> None:
    changes = {"name": {"from": "A", "to": "B"}, "a_new_field": {"from": None, "to": {"deep": [1, 2.5, True]}}}
    assert change_of(kind, {"changes": changes}) == {"changes": changes}
    with pytest.raises(ValidationError, match="from"):
        a_catalog_event(kind, change={"changes": {"name": {"to": "B"}}})
    with pytest.raises(ValidationError, match="JSON"):
        a_catalog_event(kind, change={"changes": {"name": {"from": "A", "to": date(2024, 12, 25)}}})


@pytest.mark.parametrize("reason", ["requested", "gone", "failing"])
def test_a_disabled_subscription_tells_why_and_since_when_it_failed(reason: str) -> None:
    """events.md section 2: "`webhook_subscription.disabled` | `reason`, `failing_since` | webhooks"."""
    for since in (None, "2024-01-01T00:00:00.250000Z"):
        change = {"reason": reason, "failing_since": since}
        assert change_of("webhook_subscription.disabled", change) == change
    with pytest.raises(ValidationError, match="failing_since"):
        a_catalog_event("webhook_subscription.disabled", change={"reason": reason})


def test_a_subscriptions_snapshot_holds_no_secret() -> None:
    assert not {"secret", "headers"} & RESOURCES["webhook_subscription"].keys()


def test_opening_hours_are_read_by_weekday_and_date() -> None:
    event = decode(encode(a_catalog_event("location.updated")))
    assert isinstance(event, LocationUpdated)
    location = event.data.resource
    assert location.weekly_hours is not None
    assert [(hours.start, hours.end) for hours in location.weekly_hours["friday"]] == [
        ("12:00", "15:00"),
        ("19:00", "01:00"),
    ]
    assert location.date_overrides == {date(2024, 12, 25): ()}
    assert event.data.change.changes["weekly_hours"].to == {}


def test_a_booking_of_calcom_goes_by_the_chain_whatever_its_uid_is_now() -> None:
    """A reschedule in Cal.com is a new uid; one local booking is kept for all of them."""
    for kind in ("calcom_booking.observed", "calcom_booking.applied"):
        event = a_catalog_event(kind, resource=a_resource(CATALOG[kind].resource, uid="cal_uid_9"))
        assert event.subject == "cal_uid_1"


@pytest.mark.parametrize("found_by", ["sync", "incremental", "reconcile", "webhook"])
def test_an_observation_tells_what_found_it_and_what_differs(found_by: str) -> None:
    change = {"found_by": found_by, "run_id": None, "changed": ["status", "attendees"]}
    assert change_of("calcom_booking.observed", change) == change
    with pytest.raises(ValidationError, match="found_by"):
        a_catalog_event("calcom_booking.observed", change={**change, "found_by": "chance"})


def test_an_answer_tells_whose_run_it_answers() -> None:
    for run in (None, "run_1"):
        assert change_of("calcom_booking.applied", {"run_id": run}) == {"run_id": run}


def test_every_kind_of_resource_of_the_catalog_is_tried_here() -> None:
    assert {entry.resource for entry in CATALOG.values()} == {"reservation", *OTHERS}
