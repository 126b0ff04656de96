"""What came back is told of the request that it is of, not of the one that came next."""

import pytest
from bench.child import ChildError
from bench.load import Cost
from bench.measures.taken import taken

LOAD = "bench-0123abcd-2"
NOTHING = Cost({}, {})


def marked(number: int) -> str:
    return f"{LOAD}-{number:07d}"


def test_an_arrival_belongs_to_the_request_with_its_marker() -> None:
    posted = [(7, 0, 1_000, 201), (8, 10_000, 12_000, 201), (9, 20_000, 23_000, 500), (10, 30_000, 34_000, 200)]
    arrivals = {marked(8): (15_000, 1), marked(7): (40_000, 3), "bench-0123abcd-1-0000010": (31_000, 1)}
    one = taken(100.0, LOAD, posted, arrivals, NOTHING)
    assert one.load.milliseconds == (40.0, 5.0)
    assert one.answered_ms == (1.0, 2.0, 3.0, 4.0)
    assert (one.sent, one.refused, one.missing, one.repeated) == (4, 1, 1, 1)
    assert one.load.per_s == pytest.approx(50.0)


def test_a_load_of_which_nothing_came_is_an_error() -> None:
    with pytest.raises(ChildError, match="of 1 requests 1 were taken"):
        taken(None, LOAD, [(7, 0, 1_000, 201)], {"bench-0123abcd-1-0000007": (2_000, 1)}, NOTHING)
