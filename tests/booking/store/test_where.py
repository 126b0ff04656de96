"""Conditions of lists as SQL."""

from booking.store.where import joined


def test_what_is_none_filters_nothing_and_takes_no_number() -> None:
    assert joined(("a =", 1), ("b =", None), ("c <", "x")) == ("a = $1 AND c < $2", [1, "x"])


def test_what_is_false_or_empty_filters() -> None:
    assert joined(("a =", False), ("b =", 0), ("c =", "")) == ("a = $1 AND b = $2 AND c = $3", [False, 0, ""])


def test_parameters_are_numbered_from_the_first_one_on() -> None:
    assert joined(("a =", 1), ("b =", 2), first=4) == ("a = $4 AND b = $5", [1, 2])
