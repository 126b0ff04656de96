"""Terminals in which a page's commands are typed.

Invariant: a command that fails ends its terminal, and the test learns what it printed.
"""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from docs.shape import Shape

DONE = "--- block done ---"
PATIENCE = 30.0  # seconds
POLL = 0.02


class CommandError(AssertionError):
    """A command on the page failed, or did not print in time what the page shows."""


class Terminal:
    """A shell in which one block runs after the other; variables last."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._script = folder / ".block"
        (folder / ".curlrc").write_text("silent\nshow-error\n")  # no progress meter, as when its output is a terminal
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail"],  # noqa: S607 - as found by the reader's own terminal
            cwd=folder,
            env={**env, "CURL_HOME": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, commands: str) -> str:
        """Run a block to its end; what it printed.

        Raises:
            CommandError: a command failed.
        """
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._script.write_text(commands)
        self._shell.stdin.write(f". '{self._script}'; printf '\\n%s\\n' '{DONE}'\n")
        self._shell.stdin.flush()
        printed: list[str] = []
        for line in self._shell.stdout:
            if line.rstrip() == DONE:
                return "".join(printed).removesuffix("\n")
            printed.append(line)
        raise CommandError(f"{commands}\nfailed and printed:\n{''.join(printed)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._shell:
            self._shell.kill()


class Standing:
    """Another terminal, in which a command stays until Ctrl-C."""

    def __init__(self, commands: str, folder: Path, env: Mapping[str, str], output: Path) -> None:
        self._output = output
        self._read = 0
        with output.open("w") as written:
            self._shell = subprocess.Popen(
                ["bash", "--noprofile", "--norc", "-ec", commands],  # noqa: S607 - as in `Terminal`
                cwd=folder,
                env=env,
                stdout=written,
                stderr=written,
                start_new_session=True,
            )

    def wait_for(self, shape: Shape) -> dict[str, str]:
        """Wait until the terminal shows it, behind what was waited for before.

        Raises:
            CommandError: it does not come in time.
        """
        deadline = time.monotonic() + PATIENCE
        while (match := shape.found_in(self._unread())) is None:
            if time.monotonic() > deadline:
                raise CommandError(f"The page shows:\n{shape.text}\nbut the terminal printed:\n{self._unread()}")
            time.sleep(POLL)
        self._read += match.end()
        return shape.names(match)

    def interrupt(self) -> None:
        """Press Ctrl-C and wait for the end.

        Raises:
            CommandError: the command does not end.
        """
        if self._shell.poll() is None:
            os.killpg(self._shell.pid, signal.SIGINT)
        try:
            self._shell.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(self._shell.pid, signal.SIGKILL)
            raise CommandError(f"does not end at Ctrl-C: {self._unread()}") from None

    def _unread(self) -> str:
        return self._output.read_text()[self._read :]
