"""Whether the machine is too busy, told from a processor that is shared."""

import multiprocessing

import psutil
import pytest

from chaos import machine
from chaos.journal import Journal
from chaos.machine import look_after, strain
from chassis.lifecycle import Stop


def _spin() -> None:
    while True:
        pass


def test_work_takes_longer_beside_others_on_the_same_processor() -> None:
    mine = psutil.Process()
    before = mine.cpu_affinity()
    spinning = [multiprocessing.get_context("spawn").Process(target=_spin, daemon=True) for _ in range(8)]
    try:
        mine.cpu_affinity(before[:1])
        for one in spinning:
            one.start()
        assert max(strain() for _ in range(10)) > machine.BUSY
    finally:
        mine.cpu_affinity(before)
        for one in spinning:
            one.kill()
            one.join()


@pytest.mark.parametrize(
    ("strains", "busy"),
    [
        ([1.0, 9.0, 9.0, 9.0, 1.0], 1),
        ([9.0, 9.0, 1.0, 9.0, 9.0, 1.0], 1),
        ([1.0, 9.0, 1.0, 1.0, 9.0, 1.0], 0),
    ],
    ids=["for a while", "with a pause", "now and then"],
)
async def test_a_busy_time_is_written_down_as_one_and_a_moment_is_none(
    strains: list[float], busy: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    over, journal = Stop(), Journal()

    def next_strain() -> float:
        if len(strains) == 1:
            over.set()
        return strains.pop(0)

    monkeypatch.setattr(machine, "strain", next_strain)
    monkeypatch.setattr(machine, "_LOOK_SECONDS", 0.01)
    await look_after(journal, over)
    assert [(one.kind, one.target) for one in journal.faults] == [("busy", "machine")] * busy
