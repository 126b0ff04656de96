"""Which secrets sign, and for how long: pure rules, with a clock that is given."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook_dispatcher.domain.errors import ValidationFailedError
from webhook_dispatcher.domain.rotation import GRACE, MAX_OLD, OldSecret, retire, signing_keys

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
A, B, C = b"a" * 32, b"b" * 32, b"c" * 32


def test_a_rotated_secret_signs_for_24_hours_and_no_longer() -> None:
    """Webhook rules: «several signatures, space-separated, while a rotated secret is in its 24-hour grace»"""
    old = retire(A, (), B, NOW)
    assert old == (OldSecret(A, NOW + timedelta(hours=24)),)
    assert signing_keys(B, old, NOW) == [B, A]
    assert signing_keys(B, old, NOW + GRACE - timedelta(milliseconds=1)) == [B, A]
    assert signing_keys(B, old, NOW + GRACE) == [B]


def test_a_second_rotation_within_the_grace_prolongs_nothing() -> None:
    later = NOW + timedelta(hours=5)
    old = retire(B, retire(A, (), B, NOW), C, later)
    assert signing_keys(C, old, later) == [C, B, A]
    assert signing_keys(C, old, NOW + GRACE) == [C, B]
    assert signing_keys(C, old, later + GRACE) == [C]


def test_what_signs_no_more_is_forgotten_at_the_next_rotation() -> None:
    assert retire(B, retire(A, (), B, NOW), C, NOW + GRACE) == (OldSecret(B, NOW + 2 * GRACE),)


def test_going_back_to_an_old_secret_signs_with_it_once() -> None:
    old = retire(B, retire(A, (), B, NOW), A, NOW)
    assert signing_keys(A, old, NOW) == [A, B]


def test_a_secret_that_cannot_be_read_signs_no_more() -> None:
    assert retire(None, (), B, NOW) == ()


def test_the_present_secret_is_no_new_one() -> None:
    with pytest.raises(ValidationFailedError, match=r"^secret: must be another than the present one$"):
        retire(A, (), A, NOW)


def test_no_log_shows_an_old_secret() -> None:
    assert "aaa" not in repr(retire(A, (), B, NOW))


@given(st.lists(st.tuples(st.binary(min_size=24, max_size=24), st.integers(0, 3600)), max_size=20))
def test_however_often_it_is_rotated_the_signatures_are_few(steps: list[tuple[bytes, int]]) -> None:
    present, old, now = A, tuple[OldSecret, ...](), NOW
    for new, seconds in steps:
        if new == present:
            continue
        now += timedelta(seconds=seconds)
        present, old = new, retire(present, old, new, now)
        signing = signing_keys(present, old, now)
        assert signing[0] == new
        assert len(signing) == len(set(signing)) <= MAX_OLD + 1
        assert [one.until for one in old] == sorted((one.until for one in old), reverse=True)
