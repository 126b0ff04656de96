"""The booking service against a model of it: random requests, some at once, each answer and all that is left compared.

`SLOTWIRE_PROOF_RUNS` asks for more runs. A run's requests follow from its number, but the order in which those made at
once are done does not: what fails only in some order may need some repetitions.
"""

import os
from random import Random

import pytest

from support.booking_chance import Chance
from support.booking_commands import CancelInstance, Request
from support.booking_desk import Desk
from support.booking_play import Play
from support.booking_stage import begin

RUNS = int(os.environ.get("SLOTWIRE_PROOF_RUNS", "40"))
STEPS = 25
LATE = 16


@pytest.mark.parametrize("run", range(RUNS))
async def test_whatever_is_asked_the_answers_and_the_database_are_as_the_model_says(desk: Desk, run: int) -> None:
    play, random = await begin(desk), Random(run)
    for number in range(STEPS):
        await step(play, Chance(random, sorted(play.witness.table_ids)), number)


async def step(play: Play, chance: Chance, number: int) -> None:
    """Ask for something, alone or with others, or let time pass."""
    random = chance.random
    kind = random.choice(["alone"] * 5 + ["together"] * 4 + ["twins", "again", "cancel"] + ["wait"] * 3)
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
