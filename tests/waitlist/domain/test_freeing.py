"""Every event of booking: which queues it gives a reason to look at, and which give none."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slotwire_contracts import CATALOG, CatalogEvent
from support.booking_service import text
from support.catalog_events import CHANGES, a_catalog_event, a_resource
from waitlist.domain.freeing import FreedLocation, FreedQueues, dates_for, freed
from waitlist.domain.times import Span, local_date

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
AT_TABLE: dict[str, Any] = {
    "location_id": "loc_1",
    "schedule_id": None,
    "start_time": "2026-12-04T18:00:00Z",
    "table_ids": ["tbl_1"],
}
EVENING: dict[str, Any] = {**AT_TABLE, "end_time": "2026-12-04T20:00:00Z"}
DATES = FreedQueues(frozenset(f"loc_1/2026-12-0{day}" for day in (3, 4, 5)))
CLASS: dict[str, Any] = {**EVENING, "event_instance_id": "ins_1"}
SPOTS = FreedQueues(frozenset({"ins_1"}))
ENDINGS = ("cancelled", "declined", "no_show")


def an_event(
    kind: str, change: Mapping[str, Any] | None = None, *, time: datetime = NOW, **resource: Any
) -> CatalogEvent:
    told = a_resource(CATALOG[kind].resource, **resource)
    return a_catalog_event(kind, resource=told, change=CHANGES[kind] if change is None else change, time=time)


def named(event: CatalogEvent) -> FreedQueues | FreedLocation | None:
    """The queues for which an event frees something, without saying when."""
    found = freed(event)
    return FreedQueues(found.queues) if isinstance(found, FreedQueues) else found


def changes(**fields: tuple[Any, Any]) -> dict[str, Any]:
    return {"changes": {name: {"from": before, "to": after} for name, (before, after) in fields.items()}}


def updated(status: str = "CONFIRMED", visit: Mapping[str, Any] = EVENING, **fields: tuple[Any, Any]) -> CatalogEvent:
    return an_event("reservation.updated", changes(**fields), **{**visit, "status": status})


@pytest.mark.parametrize("word", ENDINGS)
def test_a_booking_that_is_given_up_frees_its_dates_or_its_spots(word: str) -> None:
    """Architecture, section 6: «every event that can free capacity (cancelled, declined, no_show, completed early,
    moved, party shrunk, capacity raised, hold released, table added)»
    """
    kind = f"reservation.{word}"
    assert named(an_event(kind, **EVENING)) == DATES
    assert named(an_event(kind, **CLASS)) == SPOTS
    assert named(an_event(kind)) is None  # of a schedule, for which nobody waits


@pytest.mark.parametrize("word", ENDINGS)
def test_what_has_passed_frees_nothing(word: str) -> None:
    kind = f"reservation.{word}"
    end = datetime(2026, 12, 4, 20, tzinfo=UTC)
    assert named(an_event(kind, **EVENING, time=end - timedelta(minutes=1))) == DATES
    assert named(an_event(kind, **EVENING, time=end)) is None
    # An event instance that has begun is offered no more.
    start = datetime(2026, 12, 4, 18, tzinfo=UTC)
    assert named(an_event(kind, **CLASS, time=start - timedelta(seconds=1))) == SPOTS
    assert named(an_event(kind, **CLASS, time=start)) is None


def test_a_visit_that_ends_early_frees_the_rest_of_its_time() -> None:
    late = {**AT_TABLE, "start_time": "2026-12-04T18:00:00Z", "end_time": "2026-12-07T18:00:00Z"}
    event = an_event("reservation.completed", **late, time=datetime(2026, 12, 6, 18, tzinfo=UTC))
    assert named(event) == FreedQueues(frozenset(f"loc_1/2026-12-0{day}" for day in (5, 6, 7, 8)))
    over = datetime(2026, 12, 7, 18, tzinfo=UTC)
    assert named(an_event("reservation.completed", **late, time=over)) is None
    assert named(an_event("reservation.completed", **CLASS)) is None  # who was there has had the spot


def test_a_moved_booking_frees_the_time_that_it_leaves() -> None:
    before, start = "2026-12-10T18:00:00Z", EVENING["start_time"]
    moved = updated(start_time=(before, start), end_time=("2026-12-10T20:00:00Z", EVENING["end_time"]))
    assert named(moved) == FreedQueues(frozenset(f"loc_1/2026-12-{day}" for day in ("09", "10", "11")))
    # An hour later: the first hour falls free.
    later = ("2026-12-04T19:00:00Z", EVENING["end_time"])
    assert named(updated(start_time=("2026-12-04T17:00:00Z", start), end_time=later)) == DATES
    # Shorter, from either side.
    assert named(updated(end_time=("2026-12-04T21:00:00Z", EVENING["end_time"]))) == DATES
    assert named(updated(start_time=("2026-12-04T17:00:00Z", start))) == DATES


def test_a_booking_that_takes_more_time_frees_none() -> None:
    assert named(updated(end_time=("2026-12-04T19:00:00Z", EVENING["end_time"]))) is None
    assert named(updated(start_time=("2026-12-04T19:00:00Z", EVENING["start_time"]))) is None


def test_a_smaller_party_frees_its_place_and_a_larger_none() -> None:
    assert named(updated(party_size=(4, 1))) == DATES
    assert named(updated(visit=CLASS, party_size=(4, 1))) == SPOTS
    assert named(updated(party_size=(1, 4))) is None
    assert named(updated(visit=CLASS, party_size=(1, 4))) is None
    assert named(updated(visit=CLASS, start_time=("2026-12-04T17:00:00Z", EVENING["start_time"]))) is None


def test_other_details_free_nothing() -> None:
    assert named(updated(title=("Dinner", "Lunch"), attendee_name=("Jane", "John"))) is None
    assert named(updated()) is None


@pytest.mark.parametrize("status", ["CANCELLED", "DECLINED", "NO_SHOW", "COMPLETED"])
def test_a_booking_that_occupies_nothing_frees_nothing(status: str) -> None:
    assert named(updated(status, party_size=(4, 1))) is None
    assert named(updated(status, end_time=("2026-12-04T21:00:00Z", EVENING["end_time"]))) is None
    assert named(an_event("reservation.unassigned", **EVENING, status=status)) is None


def test_tables_that_are_taken_from_a_booking_are_free() -> None:
    assert named(an_event("reservation.unassigned", **EVENING)) == DATES


@pytest.mark.parametrize("kind", ["created", "pending", "confirmed", "late", "partially_seated", "seated", "assigned"])
def test_what_becomes_of_a_booking_otherwise_frees_nothing(kind: str) -> None:
    assert named(an_event(f"reservation.{kind}", **EVENING)) is None
    assert named(an_event(f"reservation.{kind}", **CLASS)) is None


@pytest.mark.parametrize("reason", ["expired", "released"])
def test_a_hold_that_ends_frees_its_dates_or_its_spots(reason: str) -> None:
    assert named(an_event("hold.released", {"reason": reason}, **EVENING)) == DATES
    assert named(an_event("hold.released", {"reason": reason}, **CLASS)) == SPOTS
    assert named(an_event("hold.released", {"reason": reason}, **{**EVENING, "location_id": None})) is None


def test_it_is_told_when_something_is_free_and_whose_hold_it_was() -> None:
    start, end = datetime(2026, 12, 4, 18, tzinfo=UTC), datetime(2026, 12, 4, 20, tzinfo=UTC)
    given_up = freed(an_event("reservation.cancelled", **EVENING))
    assert isinstance(given_up, FreedQueues)
    assert (given_up.spans, given_up.hold_id) == ((Span(start, end),), None)
    hour = timedelta(hours=1)
    moved = freed(updated(start_time=(text(start - hour), text(start)), end_time=(text(end + hour), text(end))))
    assert isinstance(moved, FreedQueues)
    assert moved.spans == (Span(start - hour, start), Span(end, end + hour))
    hold = freed(an_event("hold.released", {"reason": "released"}, **EVENING, id="hld_1"))
    assert isinstance(hold, FreedQueues)
    assert (hold.spans, hold.hold_id) == ((Span(start, end),), "hld_1")
    spots = freed(an_event("reservation.cancelled", **CLASS))
    assert isinstance(spots, FreedQueues)
    assert spots.spans is None  # they are alike


def test_a_hold_for_what_was_called_off_frees_nothing() -> None:
    assert named(an_event("hold.released", {"reason": "cancelled"}, **CLASS)) is None


def instance(change: Mapping[str, Any], **other: Any) -> CatalogEvent:
    fields = {"id": "ins_1", "start_time": "2026-12-04T18:00:00Z", "end_time": "2026-12-04T20:00:00Z", **other}
    return an_event("event_instance.updated", change, **fields)


def test_an_event_instance_with_more_spots_or_that_takes_place_after_all_frees_spots() -> None:
    assert named(instance(changes(max_attendance=(10, 12)))) == SPOTS
    assert named(instance(changes(status=("cancelled", "scheduled")))) == SPOTS


def test_an_event_instance_otherwise_frees_none() -> None:
    assert named(instance(changes(max_attendance=(12, 10)))) is None
    before, start = "2026-12-04T17:00:00Z", "2026-12-04T18:00:00Z"
    assert named(instance(changes(start_time=(before, start)))) == SPOTS  # what was offered is of other times
    assert named(instance(changes(end_time=(before, start)))) == SPOTS
    assert named(instance(changes(title=("Yoga", "Pilates")))) is None
    assert named(instance(changes(max_attendance=(10, 12)), status="cancelled")) is None
    assert named(instance(changes(max_attendance=(10, 12)), start_time="2026-11-21T12:00:00Z")) is None


def test_the_queue_of_an_event_instance_that_is_called_off_is_looked_at_since_nobody_need_wait() -> None:
    assert named(an_event("event_instance.cancelled", id="ins_1", status="cancelled")) == SPOTS


def test_a_new_table_frees_something_on_every_date() -> None:
    assert named(an_event("table.created", location_id="loc_1")) == FreedLocation("loc_1")


@pytest.mark.parametrize(
    ("fields", "now"),
    [
        ({"max_party": (2, 4)}, {"max_party": 4}),
        ({"min_party": (2, 1)}, {"min_party": 1}),
        ({"combinable": (False, True)}, {"combinable": True}),
        ({"section_id": ("sec_1", "sec_2")}, {"combinable": True, "section_id": "sec_2"}),
    ],
)
def test_a_table_that_takes_more_parties_does_so_too(fields: dict[str, Any], now: dict[str, Any]) -> None:
    assert named(an_event("table.updated", changes(**fields), location_id="loc_1", **now)) == FreedLocation("loc_1")


@pytest.mark.parametrize(
    ("fields", "now"),
    [
        ({"max_party": (4, 2)}, {"max_party": 2}),
        ({"min_party": (1, 2)}, {"min_party": 2}),
        ({"combinable": (True, False)}, {"combinable": False}),
        ({"section_id": ("sec_1", "sec_2")}, {"combinable": False, "section_id": "sec_2"}),
        ({"name": ("1", "2")}, {"name": "2"}),
    ],
)
def test_a_table_that_takes_no_other_parties_does_not(fields: dict[str, Any], now: dict[str, Any]) -> None:
    assert named(an_event("table.updated", changes(**fields), location_id="loc_1", **now)) is None


def test_other_hours_may_free_something_on_every_date() -> None:
    for name in ("weekly_hours", "date_overrides", "visit_minutes", "timezone"):
        event = an_event("location.updated", changes(**{name: (None, None)}), id="loc_1")
        assert named(event) == FreedLocation("loc_1")
    assert named(an_event("location.updated", changes(name=("Bar", "Bistro")), id="loc_1")) is None


@pytest.mark.parametrize("kind", ["table.deleted", "location.created", "location.deleted", "waitlist_entry.removed"])
def test_what_else_there_is_frees_nothing(kind: str) -> None:
    assert named(an_event(kind)) is None


ZONES = st.sampled_from(
    ["Etc/GMT+12", "America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Chatham", "Etc/GMT-14"]
)
INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - naive here


@given(INSTANTS, st.integers(1, 2 * 24 * 3600), ZONES)
@example(datetime(2000, 1, 1, 10, 57, tzinfo=UTC), (23 * 60 + 10) * 60, "Pacific/Chatham")
def test_whatever_the_zone_every_date_of_a_visit_is_named_and_the_evening_before(
    start: datetime, seconds: int, zone: str
) -> None:
    span = Span(start, start + timedelta(seconds=seconds))
    named = list(dates_for(span))
    first, last = local_date(span.start, zone), local_date(span.end - timedelta(microseconds=1), zone)
    assert first - timedelta(days=1) in named
    assert {first, last} <= set(named)
    assert len(named) <= (last - first).days + 5, "the evening before, and what the zones' 26 hours reach: three more"


def test_a_visit_over_midnight_is_of_two_dates() -> None:
    span = Span(datetime(2026, 12, 4, 23, tzinfo=UTC), datetime(2026, 12, 5, 1, tzinfo=UTC))
    assert {date(2026, 12, 4), date(2026, 12, 5)} <= set(dates_for(span))
