"""The rules of event instances."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from booking.domain.booking import FieldChange
from booking.domain.errors import ValidationFailedError
from booking.domain.instances import (
    CANCELLABLE,
    EventInstance,
    InstanceStatus,
    NewInstance,
    diff,
    draft,
    moved,
    numbered,
    revise,
)
from booking.domain.reference import Service
from booking.domain.status import Status
from chassis.ids import next_id
from support.booking_values import END, NOW, START, a_booking

YOGA = Service(
    name="Yoga",
    service_type="event",
    timezone="Europe/Berlin",
    location_id="loc_1",
    duration_minutes=90,
    max_attendance=10,
)
LEAST = NewInstance(
    service_id="srv_1",
    title=None,
    start_time=START,
    end_time=None,
    timezone=None,
    location_id=None,
    max_attendance=None,
)


def made(service: Service | None = YOGA, *, known_location: bool = True, **asked: Any) -> EventInstance:
    """A new instance of a service."""
    return draft(
        replace(LEAST, **asked),
        service,
        org_id="org_1",
        instance_id="inst_1",
        known_location=known_location,
        now=NOW,
    )


def test_a_new_one_is_as_its_service_says() -> None:
    instance = made()
    assert (instance.title, instance.timezone, instance.location_id) == ("Yoga", "Europe/Berlin", "loc_1")
    assert (instance.start_time, instance.end_time) == (START, START + timedelta(minutes=90))
    assert (instance.max_attendance, instance.attendance, instance.remaining) == (10, 0, 10)
    assert (instance.status, instance.sequence, instance.last_event_id) == (InstanceStatus.SCHEDULED, 0, None)
    assert (instance.created_at, instance.updated_at) == (NOW, NOW)


def test_what_is_asked_for_goes_before_the_service() -> None:
    asked: dict[str, Any] = {
        "title": "Yin",
        "end_time": END,
        "timezone": "Asia/Tokyo",
        "location_id": "loc_2",
        "max_attendance": 1,
    }
    instance = made(**asked)
    assert {name: getattr(instance, name) for name in asked} == asked


@pytest.mark.parametrize(
    ("service", "rules"),
    [
        (None, [("service_id", "unknown"), ("location_id", "unknown")]),
        (
            replace(YOGA, service_type="appointment"),
            [("service_id", "service_type"), ("location_id", "unknown"), ("end_time", "after_start")],
        ),
        (YOGA, [("location_id", "unknown"), ("end_time", "after_start")]),
    ],
)
def test_every_flaw_of_a_new_one_is_told(service: Service | None, rules: list[tuple[str, str]]) -> None:
    with pytest.raises(ValidationFailedError) as refused:
        made(service, known_location=False, end_time=START)
    assert [(flaw.param, flaw.rule) for flaw in refused.value.flaws] == rules


def test_every_flaw_of_a_change_is_told() -> None:
    full = replace(made(), attendance=10)
    with pytest.raises(ValidationFailedError) as refused:
        revise(full, {"end_time": START, "max_attendance": 9, "location_id": "loc_none"}, known_location=False)
    assert [flaw.message for flaw in refused.value.flaws] == [
        "must be the id of a location; there is none with this id",
        "must be after start_time",
        "must be at least 10: so many spots are taken",
    ]


def test_as_many_spots_as_are_taken_are_enough() -> None:
    taken = replace(made(), attendance=4)
    assert revise(taken, {"max_attendance": 4}, known_location=True).remaining == 0


def test_what_changed_is_told_and_what_did_not_is_not() -> None:
    before = made()
    after = revise(before, {"title": "Yin", "start_time": START, "location_id": None}, known_location=True)
    assert diff(before, after) == {"title": FieldChange("Yoga", "Yin"), "location_id": FieldChange("loc_1", None)}
    assert diff(before, replace(before, attendance=3, updated_at=END)) == {}


def test_those_who_sit_are_not_cancelled() -> None:
    assert {Status.PENDING, Status.CONFIRMED, Status.LATE} == CANCELLABLE


def test_a_registration_that_moves_keeps_all_but_its_time() -> None:
    before = a_booking(version=3)
    after = moved(before, made(start_time=END), now=NOW)
    assert after == replace(before, start_time=END, end_time=END + timedelta(minutes=90), version=4, updated_at=NOW)


def test_events_count_and_their_ids_and_times_never_fall() -> None:
    def next_event_id(previous: str | None, at: Any) -> str:
        return next_id("evt", previous, at)

    first = numbered(made(), now=NOW + timedelta(seconds=5), next_id=next_event_id)
    second = numbered(first, now=NOW, next_id=next_event_id)
    assert (first.sequence, second.sequence) == (1, 2)
    assert first.last_event_id is not None
    assert second.last_event_id is not None
    assert first.last_event_id < second.last_event_id
    assert first.updated_at == second.updated_at == NOW + timedelta(seconds=5)
