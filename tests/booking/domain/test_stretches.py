"""Stretches are joined and intersected as the sets of points that they are."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from booking.domain.stretches import Stretch, common, joined

STRETCHES = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=6)


def points(stretches: list[Stretch]) -> set[int]:
    return {point for begin, end in stretches for point in range(begin, end)}


def is_in_order_and_apart(stretches: list[Stretch]) -> bool:
    ends = [end for stretch in stretches for end in stretch]
    return all(one < other for one, other in pairwise(ends))


@given(STRETCHES)
def test_joined_stretches_cover_the_same_points(stretches: list[Stretch]) -> None:
    assert points(joined(stretches)) == points(stretches)
    assert is_in_order_and_apart(joined(stretches))


@given(STRETCHES, STRETCHES)
def test_what_is_common_covers_the_points_of_both(one: list[Stretch], other: list[Stretch]) -> None:
    both = common(joined(one), joined(other))
    assert points(both) == points(one) & points(other)
    assert is_in_order_and_apart(both)
