"""The schedule of faults."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from chaos.plan import KINDS, Planned, Targets, plan

TARGETS = Targets(
    processes=["booking-0", "booking-1", "waitlist-0"],
    servers=["kafka", "postgres"],
    ways=["booking-0>postgres", "booking-1>kafka"],
    topics=["booking.events"],
    groups=["booking"],
)
SEEDS = range(20)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_repeats_its_schedule(seed: int) -> None:
    assert plan(seed, 120, TARGETS) == plan(seed, 120, TARGETS)


def test_each_seed_has_a_schedule_of_its_own() -> None:
    assert len({plan(seed, 120, TARGETS) for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_faults_begin_within_the_run_in_order_of_time(seed: int) -> None:
    times = [planned.at for planned in plan(seed, 60, TARGETS)]
    assert times == sorted(times)
    assert times[0] >= 1
    assert times[-1] < 60


@pytest.mark.parametrize("seed", SEEDS)
def test_a_longer_run_begins_as_a_shorter_one(seed: int) -> None:
    short = plan(seed, 30, TARGETS)
    assert plan(seed, 120, TARGETS)[: len(short)] == short


@pytest.mark.parametrize("seed", SEEDS)
def test_kinds_and_targets_take_turns(seed: int) -> None:
    schedule = plan(seed, 120, TARGETS)
    assert {planned.kind for planned in schedule[: len(KINDS) + 1]} == set(KINDS)
    hit = Counter(planned.target for planned in schedule if planned.kind in {"kill", "pause", "restart"})
    assert hit.keys() == {*TARGETS.processes, *TARGETS.servers}
    assert max(hit.values()) - min(hit.values()) <= 1


def of_kind(kind: str) -> list[Planned]:
    return [planned for seed in SEEDS for planned in plan(seed, 120, TARGETS) if planned.kind == kind]


def test_ways_are_slowed_and_sometimes_stand_still() -> None:
    assert {planned.target for planned in of_kind("slow")} == set(TARGETS.ways)
    assert {planned.amount > 0 for planned in of_kind("slow")} == {True, False}


def test_most_processes_are_killed_while_a_way_of_theirs_stands_still() -> None:
    schedules = [plan(seed, 120, TARGETS) for seed in SEEDS]
    pairs = [pair for schedule in schedules for pair in pairwise(schedule) if pair[1].kind == "kill"]
    killed = [(before, kill) for before, kill in pairs if kill.target in {"booking-0", "booking-1"}]
    stuck = [(before, kill) for before, kill in killed if before.kind == "slow" and not before.amount]
    ways = {"booking-0": "booking-0>postgres", "booking-1": "booking-1>kafka"}
    own = [kill for before, kill in stuck if before.target == ways[kill.target] and kill.at < before.at + before.lasts]
    assert len(killed) / 3 < len(own) < len(killed)


def test_topics_get_some_records() -> None:
    assert {planned.target for planned in of_kind("poison")} == set(TARGETS.topics)
    assert all(planned.amount >= 5 for planned in of_kind("poison"))


@pytest.mark.parametrize("missing", ["processes", "servers", "ways", "topics", "groups"])
def test_every_kind_of_fault_needs_something_to_be_done_to(missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        plan(1, 60, replace(TARGETS, **{missing: []}))
