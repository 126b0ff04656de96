"""Lives that nobody planned, through real syncs: what they tell is what happened, and in the end they know it all."""

import os
from dataclasses import fields

import pytest

from calcom_sync.domain.run import RunKind
from chassis.postgres import Database
from support.calcom import Defects, Malformed, fates
from support.calcom_lives import CLIMATES, ELSEWHERE, Lived, a_life
from support.calcom_truths import is_so, shown

DAYS = int(os.environ.get("SLOTWIRE_CALCOM_LIFE_DAYS", "21"))
SEEDS = int(os.environ.get("SLOTWIRE_CALCOM_SEEDS", "3"))


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("climate", CLIMATES)
async def test_nothing_untrue_is_told_and_in_the_end_all_is_known(alone: Database, climate: str, seed: int) -> None:
    async with a_life(alone, CLIMATES[climate], seed) as lived:
        await lived.pass_by(days=DAYS)
        lived.life.advance(days=1)
        lived.truths.note()
        await lived.work(RunKind.RECONCILE)
        assert not lived.untrue, "\n".join([*lived.chance.happened, "and yet was told", *lived.untrue])
        check_known(lived)
        told = lived.told
        assert told > DAYS / 2
        for kind in (RunKind.INCREMENTAL, RunKind.RECONCILE, RunKind.MANUAL):
            await lived.work(kind)
            assert lived.told == told, "the same once more is no news"


def check_known(lived: Lived) -> None:
    """Each appointment that is there is known as it is; one that came and went between two looks was never known."""
    for chain_id, fate in fates(lived.life).items():
        if chain_id in lived.known:
            assert is_so(shown(lived.known[chain_id]), fate, lived.life.now), lived.chance.happened
        else:
            assert fate.is_deleted


def test_everything_that_can_be_wrong_is_wrong_for_some() -> None:
    wrong = {name for climate in CLIMATES.values() for name in (*climate.defects, *dict(climate.weather))}
    assert {one.name for one in fields(Defects)} <= wrong | ELSEWHERE.keys()
    ways = {how for climate in CLIMATES.values() for name, how in climate.weather if name == "malformed"}
    assert ways == set(Malformed)
