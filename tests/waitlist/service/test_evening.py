"""Random evenings: guests join, leave, accept, decline and let time pass, at once too; processes stop between steps.

`SLOTWIRE_PROOF_RUNS` asks for more runs.
"""

import os
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.waitlist_desk import a_desk
from support.waitlist_evening import an_evening
from support.waitlist_service import WaitlistService
from support.waitlist_venues import Course, Restaurant
from support.watch import Watch

RUNS = int(os.environ.get("SLOTWIRE_PROOF_RUNS", "4"))
STEPS = range(15, 21)
ALWAYS = frozenset({"join", "free", "match", "wait", "leave", "change"})
HAPPENS = {
    "offer_one": ALWAYS | {"accept", "decline", "accepted", "declined", "expired"},
    "strict": ALWAYS | {"accept", "decline", "accepted", "declined", "expired"},
    "notify_all": ALWAYS | {"accept", "decline", "accepted", "declined", "expired"},
    "auto_convert": ALWAYS,
}
"""What happens at least once in the evenings of each way, so that they show something."""


@pytest.fixture
def happened(way: str) -> Iterator[Counter[str]]:
    """What happens in all evenings of a test."""
    counted: Counter[str] = Counter()
    yield counted
    assert HAPPENS[way] <= counted.keys(), counted


@pytest.mark.parametrize(
    ("place", "way"),
    [
        *((Restaurant, way) for way in ("offer_one", "strict", "notify_all", "auto_convert")),
        *((Course, way) for way in ("offer_one", "auto_convert")),
    ],
)
@settings(
    max_examples=RUNS,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32 - 1), steps=st.sampled_from(STEPS), leaves=st.booleans())
async def test_whatever_happens_no_place_is_stranded_and_nobody_is_overtaken(
    service: WaitlistService,
    watch: Watch,
    happened: Counter[str],
    place: type[Restaurant | Course],
    way: str,
    seed: int,
    steps: int,
    leaves: bool,
) -> None:
    watch.ahead = timedelta()
    staff = await service.staff()
    async with a_desk(service, staff, watch) as desk:
        evening = await an_evening(desk, await place.of(staff), way, leaves=leaves, seed=seed, happened=happened)
        for _ in range(steps):
            await evening.step()
        await evening.close()
