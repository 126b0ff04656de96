"""A command on a leash never outlives whoever holds the leash."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from devstack.process import Command, Leashed, wait_until_gone

HOLDER = """
import sys, time
from devstack.process import Command, Leashed
held = Leashed.start(Command(argv=["sleep", "600"]), sys.stdout.fileno())
print(held.pid, flush=True)
time.sleep(600)
"""
STUBBORN = "trap '' TERM; echo ready; sleep 600 & wait; wait"


def start(argv: list[str], grace: float = 5.0) -> tuple[Leashed, Path]:
    descriptor, path = tempfile.mkstemp()
    leashed = Leashed.start(Command(argv=argv, grace=grace), descriptor)
    os.close(descriptor)
    return leashed, Path(path)


def test_the_command_ends_when_its_holder_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        held = psutil.Process(int(holder.stdout.readline()))
        assert held.is_running()
        holder.kill()
        assert wait_until_gone(held, 10)


def test_stop_asks_politely_and_tells_the_exit_code() -> None:
    leashed, output = start(["sh", "-c", "trap 'echo asked; exit 3' TERM; echo ready; while :; do sleep 0.1; done"])
    wait_for(output, "ready")
    assert leashed.stop() == 3
    assert "asked" in output.read_text()


def test_what_does_not_end_is_killed_with_its_whole_group() -> None:
    leashed, output = start(["sh", "-c", STUBBORN], grace=0.3)
    wait_for(output, "ready")
    family = [psutil.Process(leashed.pid), *psutil.Process(leashed.pid).children(recursive=True)]
    assert leashed.stop() == 128 + signal.SIGKILL
    assert all(wait_until_gone(process, 1) for process in family)


def test_a_crash_is_told_as_its_signal() -> None:
    leashed, _ = start(["sleep", "600"])
    os.kill(leashed.pid, signal.SIGKILL)
    assert leashed.wait() == 128 + signal.SIGKILL
    assert not leashed.running


def test_a_missing_program_is_an_error_at_once() -> None:
    descriptor = os.open(os.devnull, os.O_WRONLY)
    with pytest.raises(OSError, match="/no/such/program"):
        Leashed.start(Command(argv=["/no/such/program"]), descriptor)
    os.close(descriptor)


def wait_for(output: Path, word: str) -> None:
    deadline = time.monotonic() + 10
    while word not in output.read_text():
        assert time.monotonic() < deadline, f"{word} never came: {output.read_text()}"
        time.sleep(0.02)
