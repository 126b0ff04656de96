"""How long a visit is and where it may lie, and what terms of a caller stand for."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from waitlist.domain.entry import Entry, Waited, queue_of, waited_for
from waitlist.domain.errors import ValidationFailedError
from waitlist.domain.offer import TRANSITIONS, Held, Offer, OfferState, accepted, answered, hold_minutes, late, moved
from waitlist.domain.status import Status
from waitlist.domain.terms import Wanted, terms_of
from waitlist.domain.times import Span
from waitlist.domain.told import Location
from waitlist.domain.visits import Need, Place, need_of, open_span, places

DAY = date(2026, 12, 21)  # a Monday
LATE_BAR = Location("loc", "Europe/Berlin", weekly_hours={"monday": [(time(12), time(14)), (time(18), time(2))]})
ALWAYS = Location("loc", "UTC", visit_minutes=60)
NOW = datetime(2026, 12, 20, 12, tzinfo=UTC)


def utc(hour: int, minute: int = 0, day: int = 21) -> datetime:
    """An instant of those days."""
    return datetime(2026, 12, day, hour, minute, tzinfo=UTC)


ENTRY = Entry(
    id="wle_1",
    org_id="org",
    queue="loc/2026-12-21",
    location_id="loc",
    requested_date=DAY,
    event_instance_id=None,
    client_id="cli",
    contact=None,
    party_size=2,
    preferred_start=None,
    preferred_end=None,
    window_start=utc(18),
    window_end=utc(20),
    priority=0,
    notes=None,
    notes_by=None,
    source_name=None,
    channel=None,
    time_zone=None,
    matter_uid=None,
    initiator="client",
    status=Status.WAITING,
    booking_id=None,
    joined_at=NOW,
    updated_at=NOW,
    version=1,
    sequence=1,
    last_event_id=None,
)
OFFER = Offer(
    id="wlo_1",
    org_id="org",
    entry_id="wle_1",
    queue="loc/2026-12-21",
    round="wlo_1",
    held=True,
    start_time=utc(18),
    end_time=utc(19, 30),
    party_size=2,
    title=None,
    hold_minutes=16,
    leaves=False,
    state=OfferState.REQUESTED,
    expires_at=NOW + timedelta(minutes=15),
    made_by="system",
    request_id="req",
    leased_until=NOW,
)
HELD = Held("hld_1", ("tbl",), NOW + timedelta(minutes=16))


def test_a_date_opens_with_its_first_hours_and_closes_with_its_last_overnight_too() -> None:
    assert open_span(LATE_BAR, DAY) == Span(utc(11), utc(1, day=22))
    assert open_span(LATE_BAR, DAY + timedelta(days=1)) is None
    assert open_span(ALWAYS, DAY) == Span(utc(0), utc(0, day=22))
    closed = replace(LATE_BAR, date_overrides={"2026-12-21": []})
    assert open_span(closed, DAY) is None


def test_a_visit_is_as_long_as_the_location_says_or_as_its_window() -> None:
    def minutes(start: datetime | None, end: datetime | None) -> int | None:
        need = need_of(ALWAYS, open_span(ALWAYS, DAY), party_size=2, start=start, end=end)
        return None if need is None else need.minutes

    assert minutes(None, None) == minutes(utc(18), None) == minutes(utc(18), utc(23)) == 60
    assert minutes(utc(18), utc(18, 45)) == 45
    assert minutes(utc(23, 30), None) == 30
    assert minutes(utc(19), utc(18)) is None


def test_a_visit_lies_inside_its_window() -> None:
    need = Need(2, 60, Span(utc(18), utc(20)))
    free = {(2, 60): [Place(utc(hour, minute), utc(hour + 1, minute)) for hour in (17, 18, 19) for minute in (0, 15)]}
    assert [place.start for place in places(need, free)] == [utc(18), utc(18, 15), utc(19)]


def test_a_queue_tells_what_it_is_for() -> None:
    assert waited_for(queue_of("loc", DAY, None)) == Waited(location_id="loc", requested_date=DAY)
    assert waited_for(queue_of(None, None, "ins")) == Waited(event_instance_id="ins")


def test_terms_are_local_times_of_the_date_or_instants() -> None:
    berlin = Location("loc", "Europe/Berlin")
    assert terms_of(Wanted(time(19), time(1)), ENTRY, berlin).place == Place(utc(18), utc(0, day=22))
    assert terms_of(Wanted(utc(18), utc(19)), ENTRY, berlin).place == Place(utc(18), utc(19))
    assert terms_of(Wanted(), ENTRY, None).place is None


def test_terms_in_a_gap_of_the_clocks_are_refused() -> None:
    entry = replace(ENTRY, requested_date=date(2026, 3, 29))
    with pytest.raises(ValidationFailedError, match="startTime: must be a time that exists"):
        terms_of(Wanted(time(2, 30), time(4)), entry, Location("loc", "Europe/Berlin"))


def test_a_hold_outlasts_its_offer_as_far_as_booking_holds() -> None:
    assert hold_minutes(NOW, NOW + timedelta(minutes=15)) == 16
    assert hold_minutes(NOW, NOW + timedelta(minutes=14, seconds=1)) == 16
    assert hold_minutes(NOW, NOW + timedelta(days=3)) == 48 * 60


def test_a_held_offer_goes_live_while_the_entry_asks_for_just_that() -> None:
    live = answered(OFFER, ENTRY, HELD, NOW)
    assert (live.state, live.hold_id, live.table_ids, live.expires_at) == (
        OfferState.LIVE,
        "hld_1",
        ("tbl",),
        OFFER.expires_at,
    )
    assert live.is_live(NOW)
    assert not live.is_live(OFFER.expires_at)


@pytest.mark.parametrize(
    ("entry", "now"),
    [
        (replace(ENTRY, status=Status.REMOVED), NOW),
        (replace(ENTRY, party_size=3), NOW),
        (replace(ENTRY, window_start=utc(19)), NOW),
        (replace(ENTRY, window_end=utc(19)), NOW),
        (ENTRY, OFFER.expires_at),
    ],
)
def test_else_its_hold_is_to_be_given_back(entry: Entry, now: datetime) -> None:
    done = answered(OFFER, entry, HELD, now)
    assert (done.state, done.hold_open, done.hold_id) == (OfferState.WITHDRAWN, True, "hld_1")


def test_what_staff_offer_may_lie_outside_the_window() -> None:
    by_hand = replace(OFFER, made_by="staff")
    assert answered(by_hand, replace(ENTRY, window_start=utc(19)), HELD, NOW).state is OfferState.LIVE


def test_a_late_answer_leaves_no_hold_behind() -> None:
    failed = moved(OFFER, OfferState.FAILED)
    assert late(failed, HELD).hold_open
    live = answered(OFFER, ENTRY, HELD, NOW)
    assert late(live, HELD) == live
    assert not accepted(live, used_up=True).hold_open
    assert accepted(live, used_up=False).hold_open


def test_an_offer_that_has_ended_never_stands_again() -> None:
    ended = [state for state, targets in TRANSITIONS.items() if not targets]
    assert set(ended) == set(OfferState) - {OfferState.REQUESTED, OfferState.LIVE}
    with pytest.raises(AssertionError):
        moved(replace(OFFER, state=OfferState.EXPIRED), OfferState.LIVE)
