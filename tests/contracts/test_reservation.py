"""The one representation of a reservation (api.md section 2)."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from slotwire_contracts import (
    METADATA_DEPTH,
    FieldChanges,
    LocationType,
    ReservationStatus,
    StatusWord,
    decode,
    encode,
    is_too_deep,
)
from support.reservations import RESERVATION, a_reservation, an_event


def test_every_field_stands_in_its_place() -> None:
    """api.md section 2: "the seed's list keys in the seed's order, then `event_type_id`, `timezone`, …"."""
    assert a_reservation().model_dump_json() == json.dumps(RESERVATION, separators=(",", ":"))


def test_times_are_utc_in_whole_seconds() -> None:
    """api.md section 2: "Times in UTC, whole seconds, `Z`"."""
    at = datetime(2024, 2, 15, 12, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))
    made = a_reservation(start_time=at)
    assert made.start_time == datetime(2024, 2, 15, 10, tzinfo=UTC)
    assert json.loads(made.model_dump_json())["start_time"] == "2024-02-15T10:00:00Z"


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        a_reservation(start_time="2024-02-15T10:00:00")


def test_a_reservation_never_changes() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        a_reservation().title = "Other"  # type: ignore[misc]  # what the test is about


def nested(levels: int, outer: Callable[[Any], Any]) -> Any:
    value: Any = {}
    for _ in range(levels - 1):
        value = outer(value)
    return value


@pytest.mark.parametrize("outer", [lambda inner: {"a": inner, "b": 1}, lambda inner: {"a": [inner]}])
def test_metadata_is_never_nested_deeper_than_a_reader_can_follow(outer: Callable[[Any], Any]) -> None:
    deepest = max(levels for levels in range(1, 200) if not is_too_deep(nested(levels, outer)))
    metadata = nested(deepest, outer)
    change = {"changes": {"metadata": {"from": metadata, "to": {}}}}
    event = an_event("reservation.updated", resource=a_reservation(metadata=metadata), change=change)
    assert decode(encode(event)) == event
    with pytest.raises(ValidationError, match=f"at most {METADATA_DEPTH} levels"):
        a_reservation(metadata=nested(deepest + 1, outer))


def test_metadata_may_have_sixty_four_levels() -> None:
    assert not is_too_deep(nested(64, lambda inner: {"a": inner}))
    assert is_too_deep(nested(65, lambda inner: {"a": inner}))


def test_no_field_but_metadata_may_be_left_out() -> None:
    for name in RESERVATION:
        fewer = {key: value for key, value in RESERVATION.items() if key != name}
        if name == "metadata":
            assert type(a_reservation()).model_validate(fewer).metadata == {}
        else:
            with pytest.raises(ValidationError, match=name):
                type(a_reservation()).model_validate(fewer)


def test_only_a_reservation_from_elsewhere_tells_what_it_is_there() -> None:
    external = {"provider": "calcom", "uid": "cal_uid_1", "conflict": True}
    made = a_reservation(external=external)
    assert json.loads(made.model_dump_json()) == {**RESERVATION, "external": external}
    assert "external" not in json.loads(a_reservation().model_dump_json())


def test_changes_write_the_statuses_in_lower_case() -> None:
    assert get_args(StatusWord) == tuple(status.lower() for status in ReservationStatus)


def test_the_kinds_of_location_are_those_of_seed_001() -> None:
    assert list(LocationType) == ["in_person", "phone", "video", "custom"]


def test_updated_follows_exactly_these_fields() -> None:
    """events.md section 2, the row of `reservation.updated`."""
    listed = (
        "start_time, end_time, timezone, party_size, title, location, location_type, attendee_name, attendee_email, "
        "attendee_phone, attendee_timezone, attendee_notes, source, metadata"
    )
    assert list(FieldChanges.model_fields) == listed.split(", ")
