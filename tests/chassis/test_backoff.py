"""Backoff grows to its cap and stays within its jitter."""

from hypothesis import given
from hypothesis import strategies as st

from chassis.backoff import Backoff


def test_delays_double_up_to_the_cap() -> None:
    backoff = Backoff(base=0.1, factor=2, cap=1, jitter=0)

    assert [round(backoff.delay(n, 0.5), 6) for n in range(1, 7)] == [0.1, 0.2, 0.4, 0.8, 1, 1]


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_jitter_moves_a_delay_by_at_most_its_share(failures: int, noise: float) -> None:
    backoff = Backoff(base=1, factor=2, cap=60, jitter=0.2)
    middle = backoff.delay(failures, 0.5)

    assert 0.8 * middle - 1e-9 <= backoff.delay(failures, noise) <= 1.2 * middle + 1e-9
