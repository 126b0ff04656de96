"""Streets have the bad neighbours that they are said to have."""

from collections import Counter

from bench.measures.streets import FAILING, HANGING, HEALTHY, bad, failing, hanging, healthy
from bench.plan import WHOLE


def test_one_in_ten_hangs_and_one_in_a_hundred_fails() -> None:
    assert Counter(map(healthy, range(200))) == {HEALTHY: 200}
    assert Counter(map(hanging, range(200))) == {HANGING: 20, HEALTHY: 180}
    assert Counter(map(failing, range(200))) == {FAILING: 2, HEALTHY: 198}


def test_the_bad_street_has_both() -> None:
    assert Counter(map(bad, range(WHOLE.endpoints))) == {HANGING: 20, FAILING: 2, HEALTHY: 178}
