"""A snapshot from elsewhere becomes a booking, whatever it was before, and what differs is told."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from booking.domain.booking import Booking, FieldChange
from booking.domain.errors import ValidationFailedError
from booking.domain.external import TEXT_BYTES, looked_at, projected, provided_metadata, steps
from booking.domain.facts import Created, StatusChanged, Updated
from booking.domain.place import Appointment, Place
from booking.domain.status import Status
from booking.domain.times import Span
from support.booking_values import END, NOW, START, a_schedule
from support.calcom_bookings import ADA, a_snapshot

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
PLACE = Place(schedule=a_schedule())
TALK = Appointment(event_type_id="evt_1", duration_minutes=60, buffer_before_minutes=10, buffer_after_minutes=5)


def seen(**fields: Any) -> Any:
    return a_snapshot("cal_1", "sch_1", **fields)


def made(before: Booking | None = None, place: Place = PLACE, keys: tuple[str, ...] = (), **fields: Any) -> Booking:
    return projected(seen(**fields), before, place, keys, booking_id="bk_1", org_id="org_1", now=NOW)


def test_it_has_what_the_snapshot_tells() -> None:
    booking = made(uid="cal_9", status="PENDING", party_size=3, title="", timezone=None)
    assert (booking.id, booking.org_id, booking.schedule_id, booking.source) == ("bk_1", "org_1", "sch_1", "calcom")
    assert (booking.external_provider, booking.external_uid, booking.times_editable) == ("calcom", "cal_9", False)
    assert (booking.status, booking.confirmed_at, booking.party_size) == (Status.PENDING, None, 3)
    assert (booking.title, booking.timezone, booking.zone) == (None, "Europe/Berlin", "Europe/Berlin")
    assert (booking.location_type, booking.attendee_timezone) == ("video", "Europe/London")


def test_it_completes_elsewhere_and_its_attendee_may_have_the_slot_twice() -> None:
    booking = made(place=Place(schedule=a_schedule(complete_after_minutes=10)))
    assert (booking.complete_at, booking.attendee_slot) == (None, None)


def test_the_same_snapshot_again_is_the_same_booking() -> None:
    booking = made()
    assert made(booking) == booking
    assert steps(booking, made(booking), "why", NOW) == []


@pytest.mark.parametrize("status", ["PENDING", "CONFIRMED", "COMPLETED", "CANCELLED", "NO_SHOW"])
@pytest.mark.parametrize("before", list(Status))
def test_from_every_status_it_goes_to_every_status(before: Status, status: str) -> None:
    """«Apply sync as a projection with its own event, outside the public transition table.»"""
    booking = replace(made(), status=before, confirmed_at=None if before is Status.PENDING else NOW)
    after = made(booking, status=status)
    told = steps(booking, after, "why", NOW)
    expected = [] if before == status else [StatusChanged(before, Status(status), "why")]
    assert [fact for fact, _ in told] == expected
    assert all((told_of.version, told_of.updated_at) == (booking.version + 1, NOW) for _, told_of in told)


def test_a_new_one_is_created_in_the_status_that_it_has() -> None:
    booking = made(status="CANCELLED", party_size=2)
    assert steps(None, booking, "rejected", NOW) == [(Created("calcom", 2, walk_in=False), booking)]


def test_details_are_told_before_the_status_and_with_the_one_it_had() -> None:
    booking = made()
    after = made(booking, start_time=START + HOUR, status="CANCELLED")
    (updated, first), (changed, second) = steps(booking, after, None, NOW)
    assert updated == Updated(
        {
            "start_time": FieldChange(START, START + HOUR),
            "end_time": FieldChange(END, END + HOUR),
        }
    )
    assert changed == StatusChanged(Status.CONFIRMED, Status.CANCELLED, None)
    assert (first.status, second.status) == (Status.CONFIRMED, Status.CANCELLED)


@pytest.mark.parametrize("changed", [{"external_uid": "cal_2"}, {"conflict": True}, {"schedule_id": "sch_2"}])
def test_what_no_field_tells_of_is_an_update_without_changes_unless_another_event_shows_it(
    changed: dict[str, Any],
) -> None:
    booking = made()
    ((fact, _),) = steps(booking, replace(booking, **changed), None, NOW)
    assert fact == Updated({})
    ((fact, shown),) = steps(booking, replace(booking, **changed, status=Status.NO_SHOW), None, NOW)
    assert isinstance(fact, StatusChanged)
    assert all(getattr(shown, name) == value for name, value in changed.items())


def test_metadata_that_came_with_it_goes_with_it_and_what_was_set_here_stays() -> None:
    first = seen(metadata={"a": 1, "b": 2, "none": None})
    assert set(provided_metadata(first)) == {"a", "b", "calcom"}
    booking = made(metadata={"a": 1, "b": 2})
    booking = replace(booking, metadata={**booking.metadata, "ours": 3, "a": 9})
    after = made(booking, keys=tuple(provided_metadata(first)), metadata={"b": 4})
    assert {key: value for key, value in after.metadata.items() if key != "calcom"} == {"b": 4, "ours": 3}


def test_who_is_absent_stands_in_its_metadata() -> None:
    """«`absentHost` and partial absence as fields»"""
    details: Any = made(attendees=[{**ADA, "absent": True}, ADA], absent_host=True).metadata["calcom"]
    assert ([one["absent"] for one in details["attendees"]], details["absent_host"]) == ([True, False], True)


def test_buffers_are_those_of_the_event_type_that_it_was_made_with() -> None:
    booking = made(place=replace(PLACE, appointment=TALK), event_type_id="evt_1")
    assert (booking.buffer_before_minutes, booking.buffer_after_minutes) == (10, 5)
    later = replace(TALK, buffer_before_minutes=60)
    kept = made(booking, place=replace(PLACE, appointment=later), event_type_id="evt_1")
    assert kept.buffer_before_minutes == 10
    assert looked_at(seen(event_type_id="evt_1"), booking) == Span(START - 10 * MINUTE, END + 5 * MINUTE)
    other = made(booking)
    assert (other.event_type_id, other.buffer_before_minutes, other.buffer_after_minutes) == (None, 0, 0)
    assert looked_at(seen(), booking) == Span(START, END)


def test_the_zone_of_its_schedule_is_kept_until_it_has_another_schedule() -> None:
    booking = made()
    moved = Place(schedule=a_schedule(timezone="Asia/Tokyo"))
    assert made(booking, place=moved).zone == "Europe/Berlin"
    assert made(replace(booking, schedule_id="sch_0"), place=moved).zone == "Asia/Tokyo"


@pytest.mark.parametrize("zone", ["Nowhere/None", "", "../etc/passwd", "America", "GMT+2 (summer)", None])
def test_a_zone_that_is_none_is_left_out(zone: str | None) -> None:
    booking = made(timezone=zone, attendees=[{**ADA, "timezone": zone}])
    assert (booking.timezone, booking.attendee_timezone) == ("Europe/Berlin", None)


def test_where_no_attendee_is_left_the_one_who_came_before_is_still_named() -> None:
    assert (made(attendees=[]).attendee_name, made(attendees=[]).attendee_email) == ("", "")
    assert made(made(), attendees=[]).attendee_name == "Ada"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"attendees": [{**ADA, "name": "\0"}]}, "attendees"),
        ({"host": {"name": "Grace", "email": "\0"}}, "host"),
        ({"end_time": START}, "end_time"),
        ({"uid": "\0"}, "uid"),
    ],
)
def test_what_cannot_be_stored_is_refused_before_anything_is_looked_up(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(ValidationFailedError) as refused:
        looked_at(seen(**fields), None)
    assert refused.value.param == param


def test_buffers_that_leave_the_bounds_are_refused() -> None:
    place = replace(PLACE, appointment=TALK)
    first = START.replace(year=1970, month=1, day=2, hour=0)
    with pytest.raises(ValidationFailedError, match="start_time: must lie between"):
        made(place=place, event_type_id="evt_1", start_time=first)


@pytest.mark.parametrize(
    ("character", "bytes_of_it"), [("t", 1), ('"', 2), ("\n", 2), ("é", 2), ("€", 3), ("\U0001f600", 4), ("\x01", 6)]
)
def test_a_text_is_kept_as_far_as_it_fits_into_a_record(character: str, bytes_of_it: int) -> None:
    """What counts is how JSON writes it."""
    fits = TEXT_BYTES // bytes_of_it
    for given in (fits, fits + 1):
        text = character * given
        booking = made(title=text, description=text, location=text, attendees=[{**ADA, "name": text, "phone": text}])
        texts = (booking.title, booking.attendee_notes, booking.location, booking.attendee_name, booking.attendee_phone)
        assert {len(each or "") for each in texts} == {fits}
        ((fact, _),) = steps(booking, replace(booking, status=Status.CANCELLED), text, NOW)
        assert isinstance(fact, StatusChanged)
        assert len(fact.reason or "") == fits


def test_whether_its_times_may_be_changed_here_is_told_to_nobody() -> None:
    booking = made()
    assert steps(booking, made(booking, times_editable=True), None, NOW) == []
