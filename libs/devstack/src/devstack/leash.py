"""A leash: runs one command and never outlives whoever holds the other end of its standard input.

Owns the command's process and its process group. Invariant: when standard input reaches end of file (its holder closed
it, exited or was killed with -9), the command is asked to end, then killed; when the leash exits, nothing of the
command's group is left. It needs the standard library alone, so that it starts in milliseconds with `python -I -S`.

Usage: leash.py STATUS_FD SIGNAL GRACE_SECONDS UID:GID|- COMMAND…
It writes the command's pid and a newline to STATUS_FD, then closes it. Its exit code is the command's, 128 + n after
signal n.
"""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

STDIN = 0


def main(argv: Sequence[str]) -> int:
    """Run the command of `argv` until it ends or the leash is let go."""
    status_fd, ending, grace, owner, *command = argv
    wake = _wake_on(signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    child = _spawn(command, owner)
    _report(int(status_fd), child.pid)
    _hold(child, wake)
    _end(child, int(ending), float(grace))
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _wake_on(*signals: signal.Signals) -> int:
    """Turn signals into bytes on a pipe, so that one `select` waits for everything."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    for number in signals:
        signal.signal(number, lambda _number, _frame: None)
    return reader


def _spawn(command: Sequence[str], owner: str) -> subprocess.Popen[bytes]:
    uid, _, gid = owner.partition(":")
    groups: list[int] | None = [] if gid else None
    return subprocess.Popen(  # noqa: S603 - the command is the caller's own
        command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        user=int(uid) if gid else None,
        group=int(gid) if gid else None,
        extra_groups=groups,
    )


def _report(status_fd: int, pid: int) -> None:
    with suppress(BrokenPipeError):  # the holder died meanwhile: standard input tells so next
        os.write(status_fd, f"{pid}\n".encode())
    os.close(status_fd)


def _hold(child: subprocess.Popen[bytes], wake: int) -> None:
    """Return when the child has ended or the leash is let go (end of file, or a signal to end)."""
    while child.poll() is None:
        ready, _, _ = select.select([STDIN, wake], [], [])
        if STDIN in ready and not os.read(STDIN, 1):
            return
        if wake in ready and set(os.read(wake, 64)) - {signal.SIGCHLD}:
            return


def _end(child: subprocess.Popen[bytes], ending: int, grace: float) -> None:
    deadline = time.monotonic() + grace
    if child.poll() is None:
        child.send_signal(ending)
    while child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    with suppress(ProcessLookupError):  # the whole group has gone already
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
