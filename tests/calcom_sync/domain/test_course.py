"""What a run reads, from where it stands."""

from datetime import timedelta

import pytest

from calcom_sync.domain.course import STAGES, Course, Stage, stages_from
from calcom_sync.domain.run import RunKind
from support.calcom.life import BEGINNING

HALF = Course(
    stage=Stage.RANGE,
    after=BEGINNING,
    cursor="c",
    open=("A", "B"),
    highest=BEGINNING + timedelta(hours=1),
)


@pytest.mark.parametrize("kind", STAGES)
def test_what_was_stored_is_read_back(kind: RunKind) -> None:
    assert Course.of(kind, HALF.stored) == HALF
    assert stages_from(kind, Course.of(kind, None).stage) == STAGES[kind]


def test_a_run_goes_on_where_it_stands() -> None:
    assert stages_from(RunKind.RECONCILE, Stage.MISSING) == (Stage.MISSING, Stage.REFUSED, Stage.ENDED)
    assert stages_from(RunKind.MANUAL, Stage.RANGE) == (Stage.RANGE, Stage.MISSING)
    assert stages_from(RunKind.MANUAL, Stage.CHANGES) == STAGES[RunKind.INCREMENTAL]
    assert stages_from(RunKind.MANUAL, Stage.ENDED) == (Stage.ENDED,)
