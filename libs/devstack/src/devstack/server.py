"""What embedded servers have in common: start until ready, stop, kill, and end what an earlier life left behind.

Invariant: at most one server process runs on a data directory, and it is this handle's. `start` first ends a server
that a killed predecessor left behind.
"""

import time
from abc import ABC, abstractmethod
from pathlib import Path

from devstack.process import Command, Leashed, end_process
from devstack.record import recorded_process, write_record

START_TIMEOUT = 60.0  # seconds
START_ATTEMPTS = 5
LOG_TAIL = 15  # lines shown when a server does not start


class ServerError(RuntimeError):
    """A server could not be started; the message says why and where its log is."""


class Server(ABC):
    """One embedded server with its data under `home`; start, stop and kill as often as wanted, the port stays."""

    name: str

    def __init__(self, home: Path, log: Path) -> None:
        self.home = home
        self.log = log
        self._process: Leashed | None = None

    @property
    def pid(self) -> int:
        """The server's process id, for tests that end it by hand.

        Raises:
            ServerError: the server was never started.
        """
        if self._process is None:
            raise ServerError(f"{self.name} was not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the server's process lives."""
        return self._process is not None and self._process.running

    def start(self) -> None:
        """Start the server and return once it serves; data of an earlier start is found again.

        Raises:
            ServerError: the server did not become ready; the message carries the end of its log.
        """
        if self.running:
            return
        self._end_orphan()
        self._prepare()
        for _ in range(START_ATTEMPTS):
            if self._start_once():
                return
            time.sleep(0.5)  # a killed predecessor's children may need a moment to let go of the data
        raise ServerError(f"{self.name} did not start:\n{log_tail(self.log)}\nThe whole log: {self.log}")

    def stop(self) -> None:
        """End the server cleanly and wait until it is gone."""
        if self._process is not None:
            self._process.stop()
            self._record.unlink(missing_ok=True)

    def kill(self) -> None:
        """SIGKILL the server process, as a crash would, and wait until it is gone."""
        if self._process is not None:
            self._process.kill()

    @abstractmethod
    def _prepare(self) -> None:
        """Make the data directory and settings; called before every start, so it must be quick when done."""

    @abstractmethod
    def _command(self) -> Command:
        """The server's command."""

    @abstractmethod
    def _ready(self, _process: Leashed, /) -> bool:
        """Whether the server serves."""

    @property
    def _record(self) -> Path:
        return self.home / "server.json"

    def _end_orphan(self) -> None:
        orphan = recorded_process(self._record)
        if orphan is not None:
            end_process(orphan, self._command().ending, self._command().grace)

    def _start_once(self) -> bool:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = Leashed.start(self._command(), log.fileno())
        write_record(self._record, self._process.pid)
        deadline = time.monotonic() + START_TIMEOUT
        while self._process.running and time.monotonic() < deadline:
            if self._ready(self._process):
                return True
            time.sleep(0.03)
        self._process.stop()
        return False


def log_tail(log: Path, lines: int = LOG_TAIL) -> str:
    """The last lines of a log file."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(no log)"
