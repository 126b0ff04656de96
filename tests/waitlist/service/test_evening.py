"""Random evenings: guests join, leave, accept, decline and let time pass, at once too; processes stop between steps.

`SLOTWIRE_PROOF_RUNS` asks for more runs.
"""

import os
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.waitlist_desk import a_desk
from support.waitlist_evening import an_evening
from support.waitlist_service import WaitlistService
from support.watch import Watch

RUNS = int(os.environ.get("SLOTWIRE_PROOF_RUNS", "6"))
STEPS = 25


@pytest.mark.parametrize("way", ["offer_one", "strict", "notify_all", "auto_convert"])
@settings(
    max_examples=RUNS,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32 - 1), steps=st.integers(1, STEPS))
async def test_whatever_happens_no_place_is_stranded_and_nobody_is_overtaken(
    service: WaitlistService, watch: Watch, way: str, seed: int, steps: int
) -> None:
    watch.ahead = timedelta()
    async with a_desk(service, await service.staff(), watch) as desk:
        evening = await an_evening(desk, way, seed)
        for _ in range(steps):
            await evening.step()
        await evening.settle()
