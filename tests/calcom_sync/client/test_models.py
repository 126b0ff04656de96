"""What Cal.com really answers, against its own description, is taken (scheduling.md section 1)."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from calcom_sync.client.models import BookingTold
from calcom_sync.domain.row import PEOPLE, Row
from slotwire_contracts import CalcomEventType

NEEDED = {
    "uid": "abc",
    "status": "accepted",
    "start": "2026-01-05T08:00:00.000Z",
    "end": "2026-01-05T08:30:00.000Z",
    "createdAt": "2026-01-01T00:00:00.000Z",
}


def read(**more: Any) -> Row:
    """Read a booking that has what it needs and no more but this."""
    return BookingTold.model_validate({**NEEDED, **more}).row


def test_all_but_the_least_may_be_lacking_or_null() -> None:
    names = [name for name in BookingTold.model_fields if name not in {"uid", "status", "start", "end", "created_at"}]
    nulls = {field.alias or "": None for name, field in BookingTold.model_fields.items() if name in names}
    assert read(bookingFieldsResponses=None) == read(**nulls)
    row = read()
    assert (row.title, row.description, row.hosts, row.attendees, row.metadata) == ("", None, (), (), {})
    assert (row.event_type, row.updated_at, row.absent_host, row.timezone) == (None, None, False, None)


@pytest.mark.parametrize("name", NEEDED)
def test_the_least_must_be_there(name: str) -> None:
    odd: tuple[Any, ...] = (None, "", 4, {})
    for value in odd:
        with pytest.raises(ValidationError):
            read(**{name: value})


@pytest.mark.parametrize("name", ["start", "end", "createdAt"])
def test_a_time_that_is_none_in_utc_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="must be a time"):
        read(**{name: "0001-01-01T00:00:00+01:00"})


@pytest.mark.parametrize("told", ["", "soon", "0001-01-01T00:00:00+01:00", 0, 1767600000, {}])
def test_an_update_at_no_time_is_none(told: object) -> None:
    assert read(updatedAt=told).updated_at is None


@pytest.mark.parametrize("told", [7.5, {}, [], "seven", None])
def test_a_hosts_id_may_be_anything(told: object) -> None:
    assert [one.email for one in read(hosts=[{"id": told, "email": "h@x.y"}]).hosts] == ["h@x.y"]


def test_a_uid_may_be_as_long_as_in_a_webhook() -> None:
    assert read(uid="u" * 255).uid == "u" * 255
    for odd in ("u" * 256, "", "a b", "ä"):
        with pytest.raises(ValidationError):
            read(uid=odd)


@pytest.mark.parametrize("name", ["From", "To"])
def test_a_link_leads_to_what_can_be_a_uid_or_nowhere(name: str) -> None:
    def link(told: object) -> str | None:
        found = read(**{f"rescheduled{name}Uid": told})
        return found.rescheduled_from if name == "From" else found.rescheduled_to

    assert link("u" * 255) == "u" * 255
    assert [link(odd) for odd in ("u" * 256, "", "a b", "ä", 5, None)] == [None] * 6


def test_of_a_crowd_no_more_is_read_than_to_tell_that_it_is_one() -> None:
    crowd = [{"email": "ada@guest.example"}] * (PEOPLE + 100)
    row = read(attendees=crowd, hosts=crowd)
    assert (len(row.attendees), len(row.hosts)) == (PEOPLE + 1, PEOPLE + 1)


def test_a_host_may_be_unknown() -> None:
    unknown = dict.fromkeys(("id", "name", "email", "displayEmail", "username", "timeZone"), "unknown")
    row = read(hosts=[unknown, {"id": 7, "email": "h@x.y", "timeZone": "Europe/Berlin"}, {}])
    assert [one.email for one in row.hosts] == ["h@x.y"]
    assert row.timezone == "Europe/Berlin"
    assert read(hosts=[unknown]).hosts == ()


def test_the_email_that_people_know_counts() -> None:
    row = read(attendees=[{"name": "A", "email": "a+1@x.y", "displayEmail": "a@x.y", "absent": True}])
    assert [(one.email, one.absent) for one in row.attendees] == [("a@x.y", True)]


def test_an_empty_reason_is_none() -> None:
    assert read(cancellationReason="").cancellation_reason is None
    assert read(cancellationReason="ill").cancellation_reason == "ill"


def test_the_event_type_is_told_in_two_ways() -> None:
    assert read(eventTypeId=4).event_type == CalcomEventType(id=4, slug=None)
    told = {"id": 5, "slug": "talk"}
    assert read(eventTypeId=None, eventType=told).event_type == CalcomEventType(id=5, slug="talk")
    assert read(eventTypeId=4, eventType=dict.fromkeys(told)).event_type == CalcomEventType(id=4, slug=None)


def test_whether_it_has_seats_is_told_by_the_attendees_or_else_by_what_it_lacks() -> None:
    one = {"name": "A", "email": "a@x.y"}
    assert not read(attendees=[one]).is_seated
    assert read(attendees=[{**one, "seatUid": "s"}]).is_seated
    assert read(attendees=[]).is_seated
    assert not read(attendees=[], bookingFieldsResponses={}).is_seated


def test_where_it_is_may_be_told_in_the_old_way() -> None:
    assert read(meetingUrl="https://meet.example").location == "https://meet.example"
    assert read(location="Room 1", meetingUrl="https://meet.example").location == "Room 1"
    assert read(location=None, meetingUrl="https://meet.example").location == "https://meet.example"


def test_a_time_without_a_zone_is_in_utc() -> None:
    assert read(start="2026-01-05T08:00:00").start == datetime(2026, 1, 5, 8, tzinfo=UTC)
    assert read(start="2026-01-05T09:00:00+01:00").start == datetime(2026, 1, 5, 8, tzinfo=UTC)


def test_a_status_that_is_new_is_taken_as_it_is() -> None:
    assert read(status="AWAITING_HOST").status == "awaiting_host"
    assert read(status="paid").status == "paid"


def test_what_is_of_an_odd_type_is_left_out() -> None:
    row = read(title=5, hosts="nobody", attendees=[1, {"name": 7, "absent": "yes"}], metadata=[], absentHost=1)
    assert (row.title, row.hosts, row.metadata, row.absent_host) == ("", (), {}, False)
    assert [(one.name, one.absent) for one in row.attendees] == [("", False)]
