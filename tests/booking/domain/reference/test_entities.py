"""The kinds of reference data as values: how many bookings each takes at once, and the rules that its fields tell."""

from dataclasses import replace

import pytest

from booking.domain.errors import ValidationFailedError
from booking.domain.reference import Client, Entity, EventType, Location, Schedule, Section, Service, Table

BISTRO = Location(name="Bistro", timezone="Europe/Paris")
TABLE = Table(location_id="loc_1", name="T", min_party=1, max_party=9)
YOGA = Service(name="Yoga", service_type="event")


@pytest.mark.parametrize(
    ("entity", "lanes"),
    [
        (BISTRO, 0),
        (Section(location_id="loc_1", name="Bar"), 0),
        (TABLE, 1),
        (Schedule(name="Room", timezone="UTC", capacity=2), 2),
        (EventType(name="Talk", duration_minutes=30), 0),
        (Client(name="Ada", email="ada@example.com"), 0),
        (YOGA, 0),
    ],
)
def test_each_takes_as_many_bookings_at_once_as_it_has_lanes(entity: Entity, lanes: int) -> None:
    assert entity.lanes == lanes


def test_a_table_is_for_parties_of_its_least_to_its_most() -> None:
    assert Table(location_id="loc_1", name="T", min_party=4, max_party=4)
    with pytest.raises(ValidationFailedError) as refused:
        Table(location_id="loc_1", name="T", min_party=5, max_party=4)
    assert refused.value.message == "max_party: must not be below min_party"


def test_the_lengths_of_an_event_type_have_its_own_among_them() -> None:
    assert EventType(name="Talk", duration_minutes=30, durations_minutes=[60, 30])
    with pytest.raises(ValidationFailedError) as refused:
        EventType(name="Talk", duration_minutes=30, durations_minutes=[60])
    assert refused.value.message == "durations_minutes: must contain duration_minutes, which is 30"


def test_a_table_goes_with_sections_of_its_location_only() -> None:
    inside = replace(TABLE, section_id="sct_1")
    assert TABLE.settled({"location_id": BISTRO}) == TABLE
    assert inside.settled({"location_id": BISTRO, "section_id": Section(location_id="loc_1", name="Bar")}) == inside
    with pytest.raises(ValidationFailedError) as refused:
        inside.settled({"location_id": BISTRO, "section_id": Section(location_id="loc_2", name="Bar")})
    assert refused.value.message == "section_id: must be the id of a section of the table's own location"


def test_a_service_without_a_zone_takes_its_locations() -> None:
    assert YOGA.settled({"location_id": BISTRO}) == replace(YOGA, timezone="Europe/Paris")
    own = replace(YOGA, timezone="UTC")
    assert own.settled({"location_id": BISTRO}) == own
    with pytest.raises(ValidationFailedError) as refused:
        YOGA.settled({})
    assert refused.value.message == "timezone: must be given without a location_id"


def test_what_names_nothing_is_settled_as_it_is() -> None:
    assert BISTRO.settled({}) is BISTRO
