"""How lists are read to their end although rows move, and equal ones have no order."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from calcom_sync.domain.row import Row
from calcom_sync.domain.walking import OVERLAP, Place, Trail, Walk, begin, by_start, by_update, latest, step, watermark
from support.calcom.life import BEGINNING
from support.calcom_rows import row

MINUTE = timedelta(minutes=1)


def at(uid: str, minutes: int) -> Row:
    """A booking that was changed so many minutes after the beginning."""
    return row(uid, updated_at=BEGINNING + minutes * MINUTE)


def answered(rows: Sequence[Row], place: Place, take: int, random: Random | None = None) -> list[Row]:
    """A page as Cal.com answers it; without an order of its own for equal rows."""
    found = [one for one in rows if by_update(one) >= place.after]
    if random is not None:
        random.shuffle(found)
    return sorted(found, key=by_update)[place.skip : place.skip + take]


def walked(rows: Sequence[Row], take: int, random: Random | None = None) -> list[tuple[Row, ...]]:
    """All that a walk takes up, page by page."""
    walk, taken = Walk(begin(BEGINNING)), list[tuple[Row, ...]]()
    for _ in range(10 * len(rows) + 10):
        if walk.place is None:
            return taken
        page = answered(rows, walk.place, take, random)
        settled, walk = step(walk, page, is_last=len(page) < take, key=by_update)
        taken.append(settled)
    raise AssertionError("the walk has no end")


def test_it_begins_before_the_watermark() -> None:
    assert begin(BEGINNING) == Place(BEGINNING - OVERLAP)


def test_a_short_page_is_the_end() -> None:
    assert step(Walk(begin(BEGINNING)), [], is_last=True, key=by_update) == ((), Walk(None))
    assert step(Walk(begin(BEGINNING)), [at("A", 1)], is_last=True, key=by_update) == ((at("A", 1),), Walk(None))


def test_what_was_written_at_one_moment_is_taken_up_together() -> None:
    rows = [at("A", 1), at("B", 2), at("C", 2), at("D", 3)]
    settled, walk = step(Walk(begin(BEGINNING)), rows[:2], is_last=False, key=by_update)
    assert (settled, walk) == ((rows[0],), Walk(Place(BEGINNING + 2 * MINUTE), (rows[1],)))
    settled, walk = step(walk, rows[1:3], is_last=False, key=by_update)
    assert (settled, walk) == ((), Walk(Place(BEGINNING + 2 * MINUTE, 2), (rows[1], rows[2])))
    settled, walk = step(walk, rows[3:], is_last=True, key=by_update)
    assert (settled, walk) == (tuple(rows[1:]), Walk(None))


def test_whoever_takes_over_reads_again_what_was_held() -> None:
    rows = [at("A", 1), at("B", 2), at("C", 2), at("D", 2), at("E", 3)]
    walk, taken = Walk(begin(BEGINNING)), list[Row]()
    while walk.place is not None:
        page = answered(rows, walk.place, 2)
        settled, walk = step(walk, page, is_last=len(page) < 2, key=by_update)
        taken += settled
        if walk.place is not None and walk.place.skip == 2:
            assert walk.checkpoint == Place(BEGINNING + 2 * MINUTE)
            assert not {one.uid for one in walk.held} & {one.uid for one in taken}
    assert taken == rows
    assert walk.checkpoint is None


def test_an_instant_that_fills_pages_is_skipped_through() -> None:
    rows = [at(str(n), 1) for n in range(7)]
    assert [one for settled in walked(rows, 3) for one in settled] == rows


def test_a_filter_that_does_nothing_does_not_hang_it() -> None:
    place, rows = Place(BEGINNING + 60 * MINUTE), [at("A", 1), at("B", 2)]
    _, walk = step(Walk(place), rows, is_last=False, key=by_update)
    assert walk.place == Place(place.after, 2)


def test_of_a_uid_that_comes_twice_the_later_row_counts() -> None:
    old, new = at("A", 1), at("A", 2)
    assert latest([old, new]) == latest([new, old]) == (new,)


def test_the_watermark_never_goes_back() -> None:
    most = BEGINNING + 10 * MINUTE
    assert watermark(None, [], most) is None
    assert watermark(BEGINNING, [at("A", -5)], most) == BEGINNING
    assert watermark(BEGINNING, [at("A", 5), row("B", updated_at=None)], most) == BEGINNING + 5 * MINUTE


def test_the_watermark_does_not_pass_over_what_is_still_to_come() -> None:
    most = BEGINNING + 10 * MINUTE
    assert watermark(BEGINNING, [at("A", 60 * 24 * 365)], most) == most


@given(st.lists(st.integers(0, 6), max_size=30), st.integers(1, 6))
def test_every_row_is_taken_up_once(minutes: list[int], take: int) -> None:
    rows = [at(str(n), minute) for n, minute in enumerate(minutes)]
    taken = [one.uid for settled in walked(rows, take) for one in settled]
    assert sorted(taken) == sorted(one.uid for one in rows)


@given(st.lists(st.integers(0, 20), max_size=30), st.randoms(use_true_random=False))
def test_an_order_that_changes_loses_none_where_an_instant_has_less_than_a_page(
    minutes: list[int], random: Random
) -> None:
    rows = [at(str(n), minute) for n, minute in enumerate(minutes)]
    take = max((minutes.count(minute) for minute in minutes), default=1) + 1
    taken = [one.uid for settled in walked(rows, take, random) for one in settled]
    assert sorted(taken) == sorted(one.uid for one in rows)
    for settled in walked(rows, take, random):
        last = {by_update(one) for one in settled}
        assert all((by_update(one) in last) == (one in settled) for one in rows if by_update(one) in last)


def test_a_window_is_walked_by_start() -> None:
    rows = [row("A", BEGINNING + MINUTE), row("B", BEGINNING + 2 * MINUTE)]
    settled, walk = step(Walk(Place(BEGINNING)), rows, is_last=False, key=by_start)
    assert (settled, walk) == ((rows[0],), Walk(Place(BEGINNING + 2 * MINUTE), (rows[1],)))


def ends(*pages: str) -> int:
    """After how many pages a walk is at its end; each letter is a booking."""
    trail = Trail()
    return next((number for number, page in enumerate(pages, 1) if trail.is_at_end([row(uid) for uid in page])), 0)


def test_pages_that_go_round_in_circles_have_an_end() -> None:
    assert ends("AB", "AB", "AB") == 3
    assert ends("AB", "CD", "AB", "CD", "AB", "CD") == 5
    assert ends("AB", "BC", "CA", "AB", "BC", "CA", "AB", "BC") == 5


def test_pages_that_come_again_before_a_new_one_does_are_no_end() -> None:
    """As where Cal.com does not look at the instant from which a page is wanted."""
    assert ends("AB", "AB", "CD", "AB", "CD", "EF", "AB", "CD", "EF", "GH") == 0
