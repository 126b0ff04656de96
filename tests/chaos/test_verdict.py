"""Why a run is bad."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chaos.evidence import Answer, Breach, Death, Fault, Finding, Told
from chaos.plan import RUN_WAS_OVER, Planned
from chaos.verdict import reasons, report

BEGAN = datetime(2026, 1, 5, 8, tzinfo=UTC)


def answers(*statuses: int | None) -> list[Answer]:
    return [Answer("org_1", "GET", "/", None, BEGAN, BEGAN, status, None) for status in statuses]


GOOD = Told(1, ["org_1"], BEGAN, BEGAN + timedelta(seconds=60), settled=True, answers=answers(200, 201, 404, None))
FOUND = [Finding("I1", 3), Finding("I2", 5)]
BREACH = Breach("I2", "an event is missing", {"event_id": "evt_1"})


def test_a_run_in_which_all_was_looked_at_and_nothing_found_is_good() -> None:
    assert reasons(GOOD, FOUND, {}, []) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"deaths": [Death("booking-0", BEGAN, "out of memory")]}, "booking-0 died by itself"),
        ({"unseen": ["desk: KeyError"]}, "something went wrong within the run itself: it proves nothing"),
        ({"settled": False}, "it did not come to rest: {'booking: outbox': 3}"),
    ],
)
def test_what_happened_makes_it_bad(change: dict[str, Any], reason: str) -> None:
    assert reasons(replace(GOOD, **change), FOUND, {"booking: outbox": 3}, []) == [reason]


def test_a_breach_makes_it_bad_and_is_told_once() -> None:
    assert reasons(GOOD, [FOUND[0], Finding("I2", 5, [BREACH, BREACH])], {}, []) == ["I2: an event is missing"]


def test_a_check_that_looked_at_nothing_makes_it_bad() -> None:
    assert reasons(GOOD, [FOUND[0], Finding("I2", 0)], {}, []) == ["I2: nothing to look at"]


def test_a_run_of_a_moment_may_leave_nothing_to_look_at() -> None:
    short = replace(GOOD, ended_at=BEGAN + timedelta(seconds=5))
    assert reasons(short, [FOUND[0], Finding("I2", 0)], {}, []) == []


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ((200, *[404] * 4), "clients got hardly anything done, in 1 of 5 requests: it proves nothing"),
        ((None, 503), "clients got hardly anything done, in 0 of 2 requests: it proves nothing"),
        ((), "clients got hardly anything done, in 0 of 0 requests: it proves nothing"),
    ],
)
def test_a_run_in_which_clients_got_nothing_done_is_bad(asked: tuple[int | None, ...], reason: str) -> None:
    """What was made before it began is no sign of life."""
    before = replace(answers(201)[0], sent_at=BEGAN - timedelta(seconds=1))
    assert reasons(replace(GOOD, answers=[before, *answers(*asked)]), FOUND, {}, []) == [reason]


@pytest.mark.parametrize(
    ("times", "why", "done", "expected"),
    [
        (2, "KafkaError()", [], ["no cut could be done, though some were planned: it proves nothing"]),
        (2, "KafkaError()", [Fault("cut", "clients>booking", BEGAN, BEGAN)], []),
        (1, "KafkaError()", [], []),
        (2, RUN_WAS_OVER, [], []),
    ],
)
def test_a_run_in_which_a_kind_of_fault_could_not_be_done_is_bad(
    times: int, why: str, done: list[Fault], expected: list[str]
) -> None:
    undone = [(Planned(3.0, "cut", "booking-0>kafka", 1.0), why)] * times
    assert reasons(replace(GOOD, faults=done), FOUND, {}, undone) == expected


def test_the_report_tells_faults_answers_and_the_proof_of_breaches() -> None:
    at = BEGAN + timedelta(seconds=2)
    told = replace(
        GOOD,
        faults=[Fault("kill", "kafka", at, at + timedelta(seconds=4))],
        answers=answers(200, 201, 404, 503, None),
        deaths=[Death("booking-0", at, "out of memory")],
        unseen=["desk: KeyError"],
    )
    undone = [(Planned(3.0, "cut", "booking-0>kafka", 1.0), "the run was over")]
    told_lines = "\n".join(report(told, [FOUND[0], Finding("I2", 5, [BREACH])], undone, ["booking-1 was slow"]))
    for line in (
        "    2.0  kill kafka, well again after 4.0",
        "         not done:    3.0 s  cut booking-0>kafka (1.0 s): the run was over",
        "         note: booking-1 was slow",
        "5 requests (2xx: 2, 4xx: 1, 503: 1, no answer: 1), 0 webhooks received",
        "I1   looked at      3  breaches 0",
        "I2   looked at      5  breaches 1",
        "     BREACH an event is missing",
        "       event_id: 'evt_1'",
        "booking-0 died by itself at 08:00:02.000:",
        "out of memory",
        "desk: KeyError",
    ):
        assert f"{line}\n" in f"{told_lines}\n"
