"""The booking service against a model of it: random requests, some at once, each answer and all that is left compared.

`SLOTWIRE_PROOF_RUNS` asks for more runs. Requests one after another are drawn by hypothesis, which finds the shortest
beginning of a run that fails. Those made at once follow from the number of a run, but the order in which they are done
does not: what fails only in some order may need some repetitions.
"""

import os
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chassis.postgres import Database
from support.booking_chance import Chance
from support.booking_commands import CancelInstance, Request
from support.booking_desk import Desk
from support.booking_play import Play
from support.booking_stage import begin

RUNS = int(os.environ.get("SLOTWIRE_PROOF_RUNS", "40"))
STEPS = 25
LATE = 16


ALONE = ("alone", "alone", "alone", "again", "cancel", "wait")
AT_ONCE = (*["alone"] * 5, *["together"] * 4, "twins", "again", "cancel", *["wait"] * 3)


@settings(
    max_examples=RUNS,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(seed=st.integers(0, 2**32 - 1), steps=st.integers(1, 2 * STEPS))
async def test_one_after_another_all_is_as_the_model_says(quiet_db: Database, seed: int, steps: int) -> None:
    play, random = await begin(Desk(quiet_db)), Random(seed)
    for number in range(steps):
        await step(play, Chance(random, sorted(play.witness.table_ids)), number, ALONE)


@pytest.mark.parametrize("run", range(RUNS))
async def test_whatever_is_asked_at_once_some_order_of_the_model_explains_it(desk: Desk, run: int) -> None:
    play, random = await begin(desk), Random(run)
    for number in range(STEPS):
        await step(play, Chance(random, sorted(play.witness.table_ids)), number, AT_ONCE)


async def step(play: Play, chance: Chance, number: int, kinds: Sequence[str]) -> None:
    """Ask for something, alone or with others, or let time pass."""
    random = chance.random
    kind = random.choice(kinds)
    if kind == "wait":
        play.wait(random.choice((6, 20, 60)))
        if random.random() < 0.2:
            await play.sweep()
        if random.random() < 0.5:
            await play.complete()
    elif kind == "again" and play.kept:
        await play.repeat(random.randrange(len(play.kept)))
    else:
        count = random.randint(2, 4) if kind == "together" else 1
        asked: list[Request] = [chance.request(f"{number}.{place}", play.world) for place in range(count)]
        if kind == "cancel" and number > LATE:
            asked.append(CancelInstance())
        await play.together(*asked, twins=2 if kind == "twins" else 1)
