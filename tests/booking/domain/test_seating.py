"""Which tables a party gets, held against trying out every set of tables."""

import time
from collections.abc import Collection, Sequence
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from booking.domain.place import TablePlace
from booking.domain.seating import MOST_TABLES, Seating, counter, fitting_tables, seatings, suits

TWO, FOUR, SIX = TablePlace("tbl_2", 21, 1, 2), TablePlace("tbl_4", 22, 2, 4), TablePlace("tbl_6", 23, 5, 6)


def a_table(
    number: int, seats: int, *, min_party: int = 1, section: str | None = None, alone: bool = False
) -> TablePlace:
    return TablePlace(f"tbl_{number}", number, min_party, seats, section, combinable=not alone)


@st.composite
def some_tables(draw: st.DrawFn, *, most: int = 9) -> list[TablePlace]:
    numbers = draw(st.lists(st.integers(1, 99), unique=True, max_size=most))
    return [
        a_table(
            number,
            seats := draw(st.sampled_from([2, 3, 3, 4, 6])),
            min_party=draw(st.integers(1, seats)),
            section=draw(st.sampled_from([None, None, None, "sec_1"])),
            alone=draw(st.sampled_from([True, False, False, False])),
        )
        for number in numbers
    ]


def numbers_of(tables: Collection[TablePlace]) -> list[int]:
    return sorted(table.resource_no for table in tables)


def tried_out(tables: Sequence[TablePlace], party_size: int) -> Seating:
    """The first choice, of every set of tables there is."""
    if alone := [table for table in tables if table.min_party <= party_size <= table.max_party]:
        return (min(alone, key=lambda table: (table.max_party, table.resource_no)),)
    found = [
        together
        for count in range(2, MOST_TABLES + 1)
        for together in combinations(sorted(tables, key=lambda table: table.resource_no), count)
        if all(table.combinable and table.min_party <= party_size for table in together)
        and len({table.section_id for table in together}) == 1
        and sum(table.max_party for table in together) >= party_size
    ]
    return min(found, key=lambda one: (len(one), sum(t.max_party for t in one), numbers_of(one)), default=())


@given(some_tables(), st.integers(1, 24))
def test_each_party_gets_what_trying_out_every_set_of_free_tables_would_find(
    tables: list[TablePlace], party_size: int
) -> None:
    free = list(tables)
    for seating in seatings(tables, party_size):
        assert seating == tried_out(free, party_size)
        free = [table for table in free if table not in seating]
    assert tried_out(free, party_size) == ()


@given(some_tables(most=30), st.integers(1, 24), st.data())
def test_so_many_parties_are_counted_as_get_seats(
    tables: list[TablePlace], party_size: int, data: st.DataObject
) -> None:
    count = counter(tables, party_size)
    for free in data.draw(st.lists(st.integers(0, (1 << len(tables)) - 1), max_size=4)):
        left = [table for place, table in enumerate(tables) if free >> place & 1]
        assert count(free) == len(list(seatings(left, party_size)))


@given(st.permutations([TWO, FOUR, SIX]), st.integers(1, 8))
def test_the_smallest_fitting_tables_come_first(tables: list[TablePlace], party_size: int) -> None:
    fitting = fitting_tables(tables, party_size)
    assert set(fitting) == {table for table in tables if table.min_party <= party_size <= table.max_party}
    assert [table.max_party for table in fitting] == sorted(table.max_party for table in fitting)


def test_at_most_eight_tables_are_put_together() -> None:
    twos = [a_table(number, 2) for number in range(1, 10)]
    assert [numbers_of(seating) for seating in seatings(twos, 16)] == [list(range(1, 9))]
    assert list(seatings(twos, 17)) == []


def test_tables_suit_a_party_that_is_neither_too_large_nor_too_small_for_them() -> None:
    assert suits([TWO, FOUR], 6)
    assert suits([FOUR, SIX], 5)
    assert not suits([TWO, FOUR], 7)
    assert not suits([FOUR, SIX], 4)
    assert not suits([], 1)


def test_a_hundred_tables_of_many_sizes_are_put_together_at_once() -> None:
    hall = [a_table(number, 20 + number * 7919 % 60) for number in range(1, 101)]
    began = time.process_time()
    first = next(seatings(hall, 500))
    assert time.process_time() - began < 0.1
    assert (len(first), sum(table.max_party for table in first)) == (7, 500)
