"""A bad street has the bad neighbours that it is said to have, and is compared with the good one."""

from collections import Counter

import pytest
from bench.measures.neighbours import FAILING, HANGING, HEALTHY, Measured, Side, paths
from bench.plan import WHOLE


def test_one_in_ten_hangs_and_one_in_a_hundred_fails() -> None:
    assert Counter(paths(WHOLE.endpoints)) == {HANGING: 20, FAILING: 2, HEALTHY: 178}


def test_the_bad_street_is_told_as_a_multiple_and_a_part_of_the_good_one() -> None:
    quick, slow = [1.0] * 98 + [4.0] * 2, [2.0] * 98 + [6.0] * 2
    measured = Measured(Side(tuple(quick), (900.0, 1_000.0, 5_000.0)), Side(tuple(slow), (950.0, 100.0, 960.0)))
    assert measured.p99_ratio == pytest.approx(1.5)
    assert measured.throughput_ratio == pytest.approx(0.95)
