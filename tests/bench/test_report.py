"""A report tells of what was measured, and of nothing else."""

from bench.load import Cost, Load
from bench.measures import backlog, calcom, delivering, neighbours, processes, waitlist
from bench.measures.availability import Measured, Size
from bench.measures.delivering import Turns
from bench.measures.draining import Drain
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


def test_the_bar_of_memory_is_for_a_million_that_wait() -> None:
    sizes = [
        backlog.Size(deliveries, 200, ms, 5_000.0, mib)
        for deliveries, ms, mib in ((10_000, 20.0, 90.0), (1_000_000, 30.0, 410.0))
    ]
    told = text(Results(QUICK, {}, {"backlog": backlog.Measured(tuple(sizes))}, 1.0))
    assert "| `backlog_1m_rss_mib` | at most 400 | 410.00 | **missed** |" in told
    assert "| 1,000,000 | 5,000 | 200 | 30.0 | 1.50 | 410 |" in told
    assert "| `backlog_claim_growth` | 1.5 |" in told


def test_neighbours_are_told_by_what_the_healthy_got() -> None:
    good = neighbours.Side((2.0, 4.0), (1_000.0, 1_200.0, 1_100.0))
    bad = neighbours.Side((2.0, 5.0), (990.0, 880.0, 900.0))
    told = text(Results(QUICK, {}, {"neighbours": neighbours.Measured(good, bad)}, 1.0))
    assert "| `healthy_p99_ratio` | at most 1.5 | 1.25 | met |" in told
    assert "| `healthy_throughput_ratio` | at least 0.9 | 0.82 | **missed** |" in told
    assert "| beside bad neighbours | 2.00 | 5.00 | 5.00 | 5.00 |" in told


def test_the_waitlist_is_told_by_its_last_offer_and_by_what_other_dates_cost() -> None:
    sizes = [waitlist.Size(waiting, 0, (ms - 1, ms + 1), (40.0,)) for waiting, ms in ((100, 10.0), (10_000, 90.0))]
    measured = waitlist.Measured((900.0, 5_100.0), tuple(sizes), waitlist.Size(100, 10_000, (12.0,), (50.0,)))
    told = text(Results(QUICK, {}, {"waitlist": measured}, 1.0))
    assert "| `waitlist_all_offered_s` | at most 5 | 5.10 | **missed** |" in told
    assert "| `waitlist_growth_by_other_dates` | at most 1.5 | 1.20 | met |" in told
    assert "| 10,000 | 0 | 90.0 | 9.00 | 40.00 | 40.00 | 40.00 | 40.00 |" in told
    assert "| `waitlist_match_ms_100_beside_10000` | 12 |" in told


def test_a_sync_is_told_by_what_it_took_and_what_of_that_was_pacing() -> None:
    counts = {"fetched": 600, "synced": 590, "skipped": 10, "failed": 0}
    syncs = {"first": calcom.Sync(9.0, 61, counts, 120.0), "second": calcom.Sync(9.0, 61, counts, 120.0)}
    measured = calcom.Measured(80.0, syncs)
    told = text(Results(QUICK, {}, {"calcom": measured}, 1.0))
    assert "| first, of everything | 9.0 | 6.0 | 61 | 600 | 590 | 10 | 0 | 120 |" in told
    assert "| `calcom_first_requests` | 61 |" in told
    assert "| `calcom_second_requests` | at most 3 | 61.00 | **missed** |" in told


def test_deliveries_are_compared_with_and_without_fan_out() -> None:
    cost = Cost({"kafka": 0.1, "webhook_dispatcher": 0.2}, {})
    single, fan_out = [Drain(per_s, cost) for per_s in (600.0, 450.0)]
    measured = delivering.Measured(Turns((single,), (1_000.0,)), Turns((fan_out,), (1_000.0,)), single)
    told = text(Results(QUICK, {}, {"deliveries": measured}, 1.0))
    assert "| `deliver_ratio` | at least 0.5 | 0.60 | met |" in told
    assert "| `deliver_fan_out_ratio` | at least 0.5 | 0.45 | **missed** |" in told
    assert "| `cpu_ms_per_delivery` | at most 0.25 | 0.30 | **missed** |" in told


def test_a_load_is_told_by_its_rate_and_from_when_each_was_due() -> None:
    cost = Cost({"postgres": 0.25, "booking": 1.5}, {"postgres": 200.4, "booking": 70.0})
    loads = {"api_load": (Load(100.0, 99.0, (3.0, 5.0), cost), Load(None, 600.0, (), cost))}
    told = text(Results(QUICK, {}, {"api_load": loads}, 1.0))
    assert "| 100/s | 99 | 3.00 | 5.00 | 5.00 | 5.00 |" in told
    assert "| saturated | 600 |  |  |  |  |" in told
    assert "| 100/s | 1.750 | 0.250 | 1.500 | 200 | 70 |" in told
    assert "| `api_load_100_p99_ms` | 5 |" in told
    assert "| `api_load_saturated_per_s` | 600 |" in told


def test_two_processes_are_told_beside_one() -> None:
    one, two = [Load(None, per_s, (), Cost({}, {})) for per_s in (4_000.0, 6_000.0)]
    told = text(Results(QUICK, {}, {"processes": processes.Measured((one, two), (one, one))}, 1.0))
    assert "| deliveries | 2 | 6,000 | 1.50 |" in told
    assert "| `deliver_two_processes_growth` | 1.5 |" in told
    assert "| `api_two_processes_growth` | 1 |" in told
