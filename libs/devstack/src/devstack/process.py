"""Processes on a leash: how this package starts, names, stops and kills every server and service.

Invariant: a process started here ends when this Python process ends, however that happens (see `leash`).
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil

LEASH = Path(__file__).with_name("leash.py")


@dataclass(frozen=True)
class Command:
    """What to run and how it is asked to end: `ending` first, SIGKILL after `grace` seconds.

    `owner` is the (uid, gid) to run as; None keeps the caller's.
    """

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    cwd: Path = Path("/")
    ending: signal.Signals = signal.SIGTERM
    grace: float = 10.0
    owner: tuple[int, int] | None = None


class Leashed:
    """A running command; `pid` is the command's own process, not the leash's."""

    def __init__(self, leash: subprocess.Popen[bytes], pid: int, grace: float) -> None:
        self.pid = pid
        self._leash = leash
        self._grace = grace

    @classmethod
    def start(cls, command: Command, output: int) -> Self:
        """Start `command`, its standard output and error going to the descriptor `output`."""
        reader, writer = os.pipe()
        try:
            leash = subprocess.Popen(  # noqa: S603 - commands are composed by this package
                _leash_argv(command, writer),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=dict(command.env),
                cwd=command.cwd,
                pass_fds=(writer,),
                start_new_session=True,  # Ctrl-C in a terminal reaches the supervisor, which ends all in order
            )
        finally:
            os.close(writer)
        with os.fdopen(reader) as status:
            pid = status.readline()
        if not pid:
            leash.communicate()
            raise OSError(f"could not run {command.argv[0]}")
        return cls(leash, int(pid), command.grace)

    @property
    def running(self) -> bool:
        """Whether the command has not ended yet."""
        return self._leash.poll() is None

    def wait(self) -> int:
        """Wait for the command's end; its exit code, 128 + n after signal n."""
        code = self._leash.wait()
        self._let_go()
        return code

    def stop(self) -> int:
        """Ask the command to end, kill it after its grace period, wait until it is gone."""
        self._let_go()
        return self._leash.wait()

    def kill(self) -> None:
        """SIGKILL the command, as a crash would, and wait until it and its children are gone."""
        with suppress(psutil.NoSuchProcess):
            children = psutil.Process(self.pid).children(recursive=True)
            os.kill(self.pid, signal.SIGKILL)
            for child in children:
                wait_until_gone(child, self._grace)
        self.stop()

    def _let_go(self) -> None:
        if self._leash.stdin is not None:
            self._leash.stdin.close()


def end_process(process: psutil.Process, ending: signal.Signals, grace: float) -> None:
    """Ask a process to end, kill it after `grace` seconds, wait until it is gone."""
    with suppress(psutil.NoSuchProcess):
        process.send_signal(ending)
        if not wait_until_gone(process, grace):
            process.kill()
            wait_until_gone(process, grace)


def wait_until_gone(process: psutil.Process, timeout: float) -> bool:
    """Whether the process ended within `timeout` seconds; works for other people's children too."""
    deadline = time.monotonic() + timeout
    while is_alive(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def is_alive(process: psutil.Process) -> bool:
    """Whether the process runs; one that ended but was not waited for (a container without init) does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _leash_argv(command: Command, status_fd: int) -> list[str]:
    owner = "-" if command.owner is None else f"{command.owner[0]}:{command.owner[1]}"
    options = [str(status_fd), str(int(command.ending)), str(command.grace), owner]
    return [sys.executable, "-I", "-S", str(LEASH), *options, *command.argv]
