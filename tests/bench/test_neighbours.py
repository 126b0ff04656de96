"""The bad street is compared with the good one."""

import pytest
from bench.measures.neighbours import Measured, Side


def test_the_bad_street_is_told_as_a_multiple_and_a_part_of_the_good_one() -> None:
    quick, slow = [1.0] * 98 + [4.0] * 2, [2.0] * 98 + [6.0] * 2
    measured = Measured(Side(tuple(quick), (900.0, 1_000.0, 5_000.0)), Side(tuple(slow), (950.0, 100.0, 960.0)))
    assert measured.p99_ratio == pytest.approx(1.5)
    assert measured.throughput_ratio == pytest.approx(0.95)
