"""The stack in the background: brought up by one command, taken down by another.

Invariant: only a process that is proven to be this folder's supervisor is ever signalled (see `record`).
"""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import psutil

from devstack.folder import Folder
from devstack.process import wait_until_gone
from devstack.record import identified_process, read_json, recorded_process

DOWN_TIMEOUT = 90.0  # seconds; services drain, then PostgreSQL writes its checkpoint
POLL = 0.1


class DetachedError(RuntimeError):
    """The stack did not come up in the background, or would not go down; the message says why."""


def bring_up(folder: Folder, options: Sequence[str], follow: Callable[[str], None]) -> None:
    """Start a supervisor in the background, and return once everything is ready.

    Args:
        folder: the stack's folder.
        options: further options of `slotwire up`.
        follow: is given what the supervisor prints meanwhile, in pieces.

    Raises:
        DetachedError: it ended before; what it printed, which tells why, was followed to the end.
    """
    folder.make()
    with folder.log.open("wb") as log:
        supervisor = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "devstack", "up", "--data", str(folder.root), *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    with folder.log.open(errors="replace") as log_text:
        while not is_ready(folder, supervisor.pid):
            ended = supervisor.poll() is not None
            follow(log_text.read())
            if ended:
                raise DetachedError(f"the stack did not come up; what it said is kept in {folder.log}")
            time.sleep(POLL)
        follow(log_text.read())


def is_ready(folder: Folder, pid: int) -> bool:
    """Whether the stack that the supervisor `pid` brings up serves."""
    record = read_json(folder.supervisor)
    return bool(record.get("ready")) and record.get("pid") == pid and folder.env.exists()


def wait_ready(folder: Folder, supervisor: psutil.Process) -> bool:
    """Wait until a running supervisor's stack is ready; False if the supervisor ends before."""
    while not is_ready(folder, supervisor.pid):
        if not supervisor.is_running():
            return False
        time.sleep(POLL)
    return True


def take_down(folder: Folder) -> bool:
    """End the folder's stack and wait until all of it is gone; False if none was up.

    Raises:
        DetachedError: a process would not end.
    """
    supervisor = recorded_process(folder.supervisor)
    if supervisor is not None:
        supervisor.terminate()
        if not wait_until_gone(supervisor, DOWN_TIMEOUT):
            raise DetachedError(f"the supervisor (process {supervisor.pid}) does not end; its log: {folder.log}")
    for process in _left_behind(folder):
        if not wait_until_gone(process, DOWN_TIMEOUT):
            raise DetachedError(f"process {process.pid} does not end")
    for left in (folder.env, folder.supervisor, folder.processes):
        left.unlink(missing_ok=True)  # a killed supervisor could not
    return supervisor is not None


def _left_behind(folder: Folder) -> list[psutil.Process]:
    """What still runs of a killed supervisor's stack: its leashes are ending it, services as slowly as they drain."""
    servers = [recorded_process(folder.data / name / "server.json") for name in ("postgres", "kafka")]
    started = [identified_process(identity) for identity in read_json(folder.processes).values()]
    return [process for process in (*servers, *started) if process is not None]
