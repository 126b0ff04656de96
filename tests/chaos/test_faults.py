"""Faults done to small processes of the test's own, and the watch over them."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from chaos.faults import Faults
from chaos.journal import Journal
from chaos.parts import Part
from chaos.plan import Kind, Planned
from chaos.settle import settle, unwell
from chaos.stage import Stage
from chaos.watch import watch
from chassis.lifecycle import Stop
from devstack.ports import free_port
from devstack.process import Command, Leashed
from devstack.server import ServerError
from devstack.servers import EmbeddedServers
from support.waiting import eventually

PROGRAM = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("alive", flush=True)
child.wait()
"""


class Sleeper:
    """A process with a child, which does nothing."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._process: Leashed | None = None
        self.starts = 0
        self.fails = False

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    @property
    def family(self) -> list[psutil.Process]:
        return [psutil.Process(self.pid), *psutil.Process(self.pid).children()]

    def start(self) -> None:
        if self.fails:
            raise ServerError("the port is taken")
        self.starts += 1
        with self._log.open("ab") as log:
            self._process = Leashed.start(Command([sys.executable, "-c", PROGRAM]), log.fileno())

    def stop(self) -> None:
        assert self._process is not None
        self._process.stop()

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()


@dataclass
class Small:
    """A stage of one process."""

    sleeper: Sleeper
    part: Part
    stage: Stage
    journal: Journal
    over: Stop

    async def play(self, *schedule: Planned) -> None:
        await Faults(self.stage, self.journal, self.over).play(schedule)

    async def is_paused(self) -> bool:
        return {one.status() for one in self.sleeper.family} == {psutil.STATUS_STOPPED}

    async def is_awake(self) -> bool:
        return psutil.STATUS_STOPPED not in {one.status() for one in self.sleeper.family}


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Small]:
    log = tmp_path / "sleeper.log"
    sleeper = Sleeper(log)
    sleeper.start()
    part = Part("sleeper", sleeper, log)
    yield Small(sleeper, part, Stage(EmbeddedServers(tmp_path), {"sleeper": part}, {}, {}), Journal(), Stop())
    sleeper.stop()


def fault(kind: Kind, at: float = 0.0, lasts: float = 0.0) -> Planned:
    return Planned(at, kind, "sleeper", lasts)


@pytest.mark.parametrize("kind", ["kill", "restart"])
async def test_what_was_ended_is_started_again(small: Small, kind: Kind) -> None:
    before = small.sleeper.pid
    await small.play(fault(kind, lasts=0.1))
    assert small.sleeper.running
    assert small.sleeper.pid != before
    (done,) = small.journal.faults
    assert (done.kind, done.target) == (kind, "sleeper")
    assert (done.ended_at - done.at).total_seconds() >= 0.1


async def test_what_is_paused_stands_still_with_its_children_and_goes_on(small: Small) -> None:
    await eventually(lambda: asyncio.to_thread(lambda: len(small.sleeper.family) == 2))
    playing = asyncio.create_task(small.play(fault("pause", lasts=1.0)))
    await eventually(small.is_paused)
    await playing
    await eventually(small.is_awake)
    assert small.sleeper.starts == 1


async def test_faults_of_one_target_come_one_after_the_other(small: Small) -> None:
    await small.play(fault("pause", lasts=0.3), fault("kill", at=0.1), fault("restart", at=0.1), fault("pause", at=0.2))
    done = sorted(small.journal.faults, key=lambda one: one.at)
    assert len(done) == 4
    assert all(before.ended_at <= after.at for before, after in pairwise(done))


async def test_when_the_run_is_over_what_is_under_way_ends_and_nothing_begins(small: Small) -> None:
    playing = asyncio.create_task(small.play(fault("pause", lasts=60), fault("kill"), fault("restart", at=60)))
    await eventually(small.is_paused)
    small.over.set()
    async with asyncio.timeout(5):
        await playing
    assert [one.kind for one in small.journal.faults] == ["pause"]
    assert sorted((one.kind, reason) for one, reason in small.journal.undone) == [
        ("kill", "the run was over"),
        ("restart", "the run was over"),
    ]
    assert small.sleeper.starts == 1


async def test_a_run_whose_parts_do_not_come_back_proves_nothing(small: Small) -> None:
    small.sleeper.fails = True
    await small.play(fault("kill"))
    assert [one.kind for one in small.journal.faults] == ["kill"]
    (unseen,) = small.journal.unseen
    assert unseen.startswith("starting sleeper again: ")
    assert "ServerError: the port is taken" in unseen


async def test_a_part_that_does_not_do_its_work_is_no_rest(small: Small) -> None:
    """Others may do it for it, so that nothing is left of it."""
    assert await unwell([small.part]) == {}
    await small.part.kill()
    assert await unwell([small.part]) == {"sleeper: not well": 1}
    assert await settle(small.stage, within=0.2) == {"sleeper: not well": 1}


async def test_who_is_cancelled_leaves_nothing_half_done(small: Small) -> None:
    await small.part.stop()
    starting = asyncio.create_task(small.part.start())
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert small.sleeper.running


async def test_a_fault_that_the_broker_does_not_let_be_done_is_told_so(small: Small) -> None:
    small.stage.servers.kafka._ports["kafka"] = free_port()
    await small.play(Planned(0.0, "poison", "booking.events", 0.0, 5))
    assert small.journal.faults == []
    assert [one.kind for one, _ in small.journal.undone] == ["poison"]


async def test_what_ends_by_itself_is_a_death_and_is_started_again(small: Small) -> None:
    watching = asyncio.create_task(watch(small.stage, small.journal, small.over))
    await eventually(lambda: asyncio.to_thread(lambda: "alive" in small.part.log.read_text()))
    os.kill(small.sleeper.pid, signal.SIGKILL)
    await eventually(lambda: asyncio.to_thread(lambda: small.sleeper.starts == 2 and small.sleeper.running))
    small.over.set()
    await watching
    assert [(one.process, one.last_words) for one in small.journal.deaths] == [("sleeper", "alive")]


@pytest.mark.parametrize("kind", ["kill", "restart"])
async def test_what_ends_by_itself_just_before_a_fault_is_a_death(small: Small, kind: Kind) -> None:
    os.kill(small.sleeper.pid, signal.SIGKILL)
    await eventually(lambda: asyncio.sleep(0, not small.sleeper.running))
    await small.play(fault(kind))
    assert [one.process for one in small.journal.deaths] == ["sleeper"]
    assert small.sleeper.running


async def test_what_a_fault_ends_is_no_death(small: Small) -> None:
    watching = asyncio.create_task(watch(small.stage, small.journal, small.over))
    await small.play(fault("kill", lasts=0.6))
    small.over.set()
    await watching
    assert small.journal.deaths == []
    assert small.sleeper.starts == 2
