"""Rules that creating and changing a booking share."""

from datetime import timedelta

import pytest

from booking.domain.checks import METADATA_BYTES, check_metadata, check_not_past, check_open, check_tables
from booking.domain.errors import OutsideAvailabilityError, ValidationFailedError
from booking.domain.hours import Hours, OpenHours, WeeklyHours
from booking.domain.place import Place, TablePlace
from slotwire_contracts import METADATA_DEPTH
from support.booking_values import CLIENT, NOW, STAFF, a_booking, a_location, a_schedule

PLACE = Place(location=a_location(TablePlace("tbl_2", 21, 1, 2), TablePlace("tbl_6", 23, 5, 6)))


def nested(levels: int) -> dict[str, object]:
    """Metadata of so many levels."""
    return {"a": nested(levels - 1)} if levels > 1 else {}


@pytest.mark.parametrize(
    ("metadata", "rule"),
    [
        (nested(METADATA_DEPTH + 1), "max_depth"),
        ({"a": "x" * METADATA_BYTES}, "max_size"),
        ({"a": float("nan")}, "json"),
        ({"a": "\ud800"}, "json"),
    ],
)
def test_metadata_that_cannot_be_stored_and_sent_is_refused(metadata: dict[str, object], rule: str) -> None:
    with pytest.raises(ValidationFailedError) as refused:
        check_metadata(metadata)
    assert [(flaw.param, flaw.rule) for flaw in refused.value.flaws] == [("metadata", rule)]


def test_metadata_may_be_as_deep_and_as_large_as_that() -> None:
    check_metadata(nested(METADATA_DEPTH))
    check_metadata({"a": "x" * (METADATA_BYTES - len('{"a": ""}'))})


def test_only_a_client_may_not_book_the_past() -> None:
    check_not_past(NOW - timedelta(days=1), STAFF, NOW)
    check_not_past(NOW, CLIENT, NOW)
    with pytest.raises(ValidationFailedError):
        check_not_past(NOW - timedelta(seconds=1), CLIENT, NOW)


def test_null_hours_are_any_time_and_hours_on_no_day_are_none() -> None:
    check_open(a_booking().span, Place())
    check_open(a_booking().span, Place(a_schedule()))
    check_open(a_booking().span, Place(a_schedule(hours=Hours({"tuesday": [OpenHours(start="12:00", end="13:00")]}))))
    never: list[WeeklyHours] = [{}, {"tuesday": []}]
    for closed in never:
        with pytest.raises(OutsideAvailabilityError) as refused:
            check_open(a_booking().span, Place(a_schedule(hours=Hours(closed))))
        assert refused.value.details == {"zone": "Europe/Berlin"}


@pytest.mark.parametrize(
    ("table_ids", "party_size"), [((), 99), (("tbl_2",), 1), (("tbl_6",), 5), (("tbl_2", "tbl_6"), 8)]
)
def test_tables_that_seat_the_party_are_fine(table_ids: tuple[str, ...], party_size: int) -> None:
    check_tables(table_ids, PLACE, party_size)


@pytest.mark.parametrize(
    ("table_ids", "party_size", "told"),
    [
        (
            ("tbl_8", "tbl_2", "tbl_9", "tbl_2"),
            2,
            [
                "must not name tbl_2 twice",
                "must name tables of the location, and tbl_8 is none",
                "must name tables of the location, and tbl_9 is none",
            ],
        ),
        (("tbl_2", "tbl_2"), 4, ["must not name tbl_2 twice", "must seat 4 people, and these tables seat 2"]),
        (("tbl_6",), 7, ["must seat 7 people, and these tables seat 6"]),
        (("tbl_6",), 4, ["must not name tbl_6, which takes parties of 5 or more"]),
    ],
)
def test_all_that_is_wrong_with_tables_is_told(table_ids: tuple[str, ...], party_size: int, told: list[str]) -> None:
    with pytest.raises(ValidationFailedError) as refused:
        check_tables(table_ids, PLACE, party_size)
    assert [flaw.message for flaw in refused.value.flaws] == told
    assert {flaw.param for flaw in refused.value.flaws} == {"table_ids"}


def test_without_a_location_there_are_no_tables() -> None:
    check_tables((), Place(a_schedule()), 2)
    with pytest.raises(ValidationFailedError) as refused:
        check_tables(("tbl_2",), Place(a_schedule()), 2)
    assert [flaw.rule for flaw in refused.value.flaws] == ["location_id"]
