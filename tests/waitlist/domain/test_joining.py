"""What joining asks for and what is refused."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from support.waitlist_values import (
    ADA,
    BERLIN,
    DAY,
    FULL,
    JO,
    NOW,
    TOLD,
    YOGA,
    a_request,
    an_event_request,
    drafted,
)
from waitlist.domain.entry import Contact
from waitlist.domain.errors import ValidationFailedError
from waitlist.domain.joining import NewEntry, Told, check_named
from waitlist.domain.policy import Policy
from waitlist.domain.status import Status


def flaws(new: NewEntry, told: Told, **more: Any) -> list[tuple[str, str]]:
    """The fields and rules of a request that must be refused."""
    with pytest.raises(ValidationFailedError) as refused:
        drafted(new, told, **more)
    assert all(flaw.message.startswith("must ") and flaw.message[-1] != "." for flaw in refused.value.flaws)
    return [(flaw.param, flaw.rule) for flaw in refused.value.flaws]


def test_an_entry_waits_for_a_location_on_a_date() -> None:
    entry = drafted(a_request(preferred_start=time(19), preferred_end=time(22), party_size=4, priority=2, notes="Hi"))
    assert (entry.queue, entry.location_id, entry.requested_date) == ("loc_1/2026-12-24", "loc_1", DAY)
    assert (entry.preferred_start, entry.preferred_end) == ("19:00", "22:00")
    assert entry.window_start == datetime(2026, 12, 24, 18, tzinfo=UTC)
    assert (entry.status, entry.version, entry.sequence, entry.initiator) == (Status.WAITING, 0, 0, "staff")
    assert (entry.joined_at, entry.updated_at, entry.turn) == (NOW, NOW, (-2, NOW, "wle_1"))
    assert entry.is_live


def test_an_entry_waits_for_an_event_instance() -> None:
    entry = drafted(an_event_request(party_size=3, matter_uid="m", source_name="s", channel="c", time_zone="z"), FULL)
    assert (entry.queue, entry.event_instance_id, entry.location_id) == ("inst_1", "inst_1", None)
    assert (entry.matter_uid, entry.source_name, entry.channel, entry.time_zone) == ("m", "s", "c", "z")


def test_the_queue_is_the_same_for_the_same_place_and_another_for_another() -> None:
    queues = {
        drafted(a_request()).queue,
        drafted(a_request(party_size=9)).queue,
        drafted(a_request(requested_date=DAY + timedelta(days=1))).queue,
        drafted(a_request(location_id="loc_2"), replace(TOLD, location=replace(BERLIN, id="loc_2"))).queue,
    }
    assert len(queues) == 3


def test_who_is_no_client_must_be_reachable() -> None:
    assert drafted(a_request(client_id=None, contact=JO), Told(location=BERLIN)).contact == JO
    nobody = Told(location=BERLIN)
    for contact in (None, Contact(name="Jo")):
        assert flaws(a_request(client_id=None, contact=contact), nobody) == [("contact", "missing")]
    assert flaws(a_request(client_id="cli_2"), nobody) == [("userId", "unknown")]
    assert drafted(a_request(contact=Contact(name="At the door"))).contact == Contact(name="At the door")


def test_a_place_is_named_and_one_alone() -> None:
    nowhere = Told(client=ADA)
    assert flaws(a_request(location_id=None), nowhere) == [("locationId", "missing")]
    assert flaws(a_request(requested_date=None), TOLD) == [("requestedDate", "missing")]
    assert flaws(a_request(), nowhere) == [("locationId", "unknown")]
    both = a_request(event_instance_id="inst_1", preferred_start=time(19), preferred_end=time(20))
    params = ["locationId", "requestedDate", "preferredStartTime", "preferredEndTime"]
    assert flaws(both, replace(FULL, location=BERLIN)) == [(param, "conflict") for param in params]


@pytest.mark.parametrize(
    ("day", "now", "welcome"),
    [
        (date(2026, 11, 21), NOW, True),
        (date(2026, 11, 20), NOW, False),
        (date(2026, 11, 21), NOW.replace(hour=22, minute=59), True),
        (date(2026, 11, 21), NOW.replace(hour=23), False),  # midnight in Berlin
        (date(2199, 12, 30), NOW, True),
        (date(2199, 12, 31), NOW, False),
        (date.max, NOW, False),
    ],
)
def test_a_date_lies_between_the_places_today_and_the_end_of_time(day: date, now: datetime, welcome: bool) -> None:
    new = a_request(requested_date=day)
    if welcome:
        assert drafted(new, now=now).requested_date == day
    else:
        assert flaws(new, TOLD, now=now) == [("requestedDate", "bounds")]


def test_what_has_passed_of_today_is_too_late() -> None:
    today = a_request(requested_date=NOW.date(), preferred_start=time(10))
    assert flaws(replace(today, preferred_end=time(13)), TOLD) == [("preferredEndTime", "past")]
    assert drafted(replace(today, preferred_end=time(13, 1))).window_end == NOW + timedelta(minutes=1)
    assert drafted(today).window_end is None


@pytest.mark.parametrize(
    ("instance", "party", "flaw"),
    [
        (None, 1, ("eventInstanceId", "unknown")),
        (replace(YOGA, cancelled=True), 1, ("eventInstanceId", "cancelled")),
        (replace(YOGA, start_time=NOW), 1, ("eventInstanceId", "past")),
        (replace(YOGA, start_time=NOW + timedelta(hours=1)), 1, ("eventInstanceId", "past")),
        (replace(YOGA, remaining=1), 1, ("eventInstanceId", "not_full")),
        (YOGA, 4, ("partySize", "max_attendance")),
    ],
)
def test_an_instance_is_there_still_to_come_and_full(instance: Any, party: int, flaw: tuple[str, str]) -> None:
    policy = Policy(offer_minutes=240, cutoff_minutes=60)
    told = Told(instance=instance, client=ADA)
    assert flaws(an_event_request(party_size=party), told, policy=policy) == [flaw]


def test_one_that_is_too_full_for_the_party_is_waited_for() -> None:
    told = replace(FULL, instance=replace(YOGA, remaining=1, start_time=NOW + timedelta(minutes=60, seconds=1)))
    policy = Policy(offer_minutes=240, cutoff_minutes=60)
    assert drafted(an_event_request(party_size=2), told, policy=policy).party_size == 2


def test_who_is_looked_for_must_be_there() -> None:
    check_named(an_event_request(), FULL)
    with pytest.raises(ValidationFailedError) as refused:
        check_named(an_event_request(), Told())
    assert [flaw.param for flaw in refused.value.flaws] == ["eventInstanceId", "userId"]
