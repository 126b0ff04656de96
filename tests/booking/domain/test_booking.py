"""What a booking's fields were and have become."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.domain.booking import FieldChange, diff, merge_metadata
from support.booking_values import a_booking

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, 1.0, 0.5]) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=5,
)


def test_keys_are_set_and_null_takes_them_away() -> None:
    assert merge_metadata({"a": 1, "b": 2}, {"a": None, "c": {"d": None}}) == {"b": 2, "c": {"d": None}}


@pytest.mark.parametrize(
    ("before", "after"), [(1, True), (0, False), (1, 1.0), ([1], [True]), ({"a": 0}, {"a": False}), ("1", 1)]
)
def test_metadata_that_only_python_calls_equal_has_changed(before: object, after: object) -> None:
    change = diff(a_booking(metadata={"vip": before}), a_booking(metadata={"vip": after}))
    assert change == {"metadata": FieldChange({"vip": before}, {"vip": after})}


def test_the_order_of_metadatas_keys_is_no_change() -> None:
    before, after = {"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1}
    assert diff(a_booking(metadata=before), a_booking(metadata=after)) == {}


@given(st.dictionaries(st.text(max_size=2), JSON, max_size=2))
def test_the_same_metadata_is_no_change(metadata: dict[str, object]) -> None:
    assert diff(a_booking(metadata=metadata), a_booking(metadata=dict(reversed(metadata.items())))) == {}
