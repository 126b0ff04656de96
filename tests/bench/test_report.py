"""A report tells of what was measured, and of nothing else."""

from bench.measures.availability import Measured, Size
from bench.plan import QUICK
from bench.report import text
from bench.results import Results
from bench.rounds import Comparison, Round

RELAYED = Comparison((Round(60.0, 100.0), Round(80.0, 100.0), Round(70.0, 100.0)))


def test_only_the_parts_that_were_measured_are_told() -> None:
    told = text(Results(QUICK, {"Memory": "1 GiB"}, {"relay": RELAYED}, 1.0))
    assert "| `relay_ratio` | at least 0.5 | 0.70 | met |" in told
    assert "api" not in told.replace("api.md", "")
    assert "## Free time" not in told


def test_the_bar_of_free_time_is_for_the_standard_schedule() -> None:
    sizes = [Size(bookings, 900, (ms,)) for bookings, ms in ((200, 10.0), (2_000, 21.0), (20_000, 30.0))]
    told = text(Results(QUICK, {}, {"availability": Measured(tuple(sizes))}, 1.0))
    assert "| `availability_month_p99_ms` | at most 20 | 21.00 | **missed** |" in told
    assert "| 20,000 | 900 | 30.00 | 30.00 | 30.00 | 30.00 | 3.00 |" in told
