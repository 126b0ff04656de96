"""Loads are told from when each piece was due."""

import asyncio
import os
import time

import pytest
from bench.load import Cost, CostMeter, at_rate, figures_of, saturated

NONE = Cost({}, {})


def test_what_stood_still_counts_from_when_it_was_due() -> None:
    stalled_until = 500_000
    spans = [(due, max(due + 1_000, stalled_until)) for due in range(0, 1_000_000, 10_000)]
    load = at_rate(100.0, spans, NONE)
    assert max(load.milliseconds) == 500.0
    assert sum(ms > 10.0 for ms in load.milliseconds) == 49
    assert load.per_s == pytest.approx(100.0, rel=0.02)


def test_a_rate_that_was_not_kept_is_told() -> None:
    spans = [(number * 10_000, number * 20_000) for number in range(100)]
    assert at_rate(100.0, spans, NONE).per_s == pytest.approx(50.0, rel=0.02)


def test_the_figures_have_the_names_of_their_loads() -> None:
    loads = (at_rate(50.0, [(0, 2_000)], NONE), saturated(700.0, NONE))
    assert figures_of({"some": loads}) == {
        "some_50_p50_ms": 2.0,
        "some_50_p99_ms": 2.0,
        "some_saturated_per_s": 700.0,
    }


async def test_processor_time_is_for_a_thousand_pieces() -> None:
    meter, ends = CostMeter({"this": os.getpid()}), time.process_time() + 0.2
    while time.process_time() < ends:
        await asyncio.sleep(0)
    cost = meter.cost(100)
    assert cost.cpu_s["this"] == pytest.approx(2.0, rel=0.5)
    assert cost.memory_mib["this"] > 10
