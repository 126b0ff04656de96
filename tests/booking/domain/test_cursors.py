"""Positions in the list by last writing, and what becomes of them."""

import base64

import pytest

from booking.domain.cursors import Cursor, Horizon, Position
from booking.domain.errors import InvalidCursorError

ERA = "7553812345678901234-0000000A-16433"
HORIZON = Horizon(ERA, settled=900, unused=1000, restored=False, first=0)


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize("position", [Position(0), Position(900), Position(10**17, "bk_01m7yjsvfvem1tzr1bhj7z092q")])
@pytest.mark.parametrize("era", [ERA, "-8-00000001-7"])
def test_a_cursor_is_read_as_it_was_written_and_may_stand_in_a_url(era: str, position: Position) -> None:
    cursor = Cursor(era, position)
    assert Cursor.parse(str(cursor)) == cursor
    assert set(str(cursor)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.mark.parametrize(
    "text",
    [
        "evt_01m7yjsvfvem1tzr1bhj7z092q",
        "é",
        "A",
        "////",
        "AAAA\nAAAA",
        encoded("2.1.1.bk_1"),
        encoded("1.1.1"),
        encoded("1.1.-1.bk_1"),
        encoded("1.1.1234567890123456789.bk_1"),
        encoded("1.1.1.bk_1\0"),
        encoded("1.1.1.bk_1' OR true"),
        encoded("1.1.\u0661.bk_1"),
    ],
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursorError) as refused:
        Cursor.parse(text)
    assert refused.value.param == "starting_after"


def test_positions_are_ordered_as_the_list() -> None:
    assert Position(1) < Position(1, "bk_a") < Position(1, "bk_b") < Position(2) < Position(10)


def test_a_reader_goes_on_where_it_stands_or_begins_where_what_it_wants_does() -> None:
    wanting = Horizon(ERA, settled=900, unused=1000, restored=False, first=500)
    stands = Cursor(ERA, Position(499, "bk_z"))
    assert HORIZON.start(None) == Position(0)
    assert wanting.start(None) == Position(500)
    assert HORIZON.start(stands) == wanting.start(stands) == stands.position


def test_who_has_seen_all_goes_on_from_the_horizon() -> None:
    assert HORIZON.cursor(Position(7, "bk_1")) == Cursor(ERA, Position(7, "bk_1"))
    assert HORIZON.cursor(None) == Cursor(ERA, Position(900))


@pytest.mark.parametrize("cursor", [Cursor(ERA, Position(1001)), Cursor("7-00000001-16433", Position(1))])
def test_a_cursor_of_a_time_that_is_lost_is_refused(cursor: Cursor) -> None:
    assert HORIZON.start(Cursor(ERA, Position(1000))) == Position(1000)
    with pytest.raises(InvalidCursorError):
        HORIZON.start(cursor)
