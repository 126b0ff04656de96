"""The services as supervised processes: started, watched, started again with backoff, told apart in the log.

Invariant: a service that dies while the stack is up is started again, sooner the longer it had lived; one that keeps
dying is retried for ever, but never in a hot loop.
"""

import asyncio
import os
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from chassis.backoff import Backoff
from devstack.process import Command, Leashed
from devstack.screen import Screen

BACKOFF = Backoff(base=0.2, factor=2.0, cap=10.0)
HEALTHY = 30.0  # seconds of life after which earlier deaths are forgotten
GRACE = 40.0  # seconds; over a service's own 10 for requests + 10 for loops (drain_seconds) + 3 + 2 x 5 (its pools)
LINE_LIMIT = 1024 * 1024


@dataclass(frozen=True)
class Service:
    """A program that serves HTTP on the port given to it in SLOTWIRE_PORT.

    `migrate` prepares its databases first; `describe` prints its API as OpenAPI.
    """

    name: str
    serve: Sequence[str]
    migrate: Sequence[str] | None = None
    describe: Sequence[str] | None = None


def module_service(name: str, module: str) -> Service:
    """The service `name` of the package `module`."""
    program = (sys.executable, "-m", module)
    return Service(name, serve=(*program, "serve"), migrate=(*program, "migrate"), describe=(*program, "describe"))


SERVICES = (
    module_service("booking", "booking"),
    module_service("waitlist", "waitlist"),
    module_service("webhook-dispatcher", "webhook_dispatcher"),
    module_service("calcom-sync", "calcom_sync"),
)


class ServiceProcess:
    """One service, kept running until `stop`; `changed` is called whenever it was started."""

    def __init__(
        self, service: Service, env: Mapping[str, str], screen: Screen, changed: Callable[[], None] = lambda: None
    ) -> None:
        self.service = service
        self.starts = 0
        self._command = Command(argv=service.serve, env=env, grace=GRACE)
        self._screen = screen
        self._changed = changed
        self._process: Leashed | None = None
        self._stopping = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The service's process id, None before the first start."""
        return None if self._process is None else self._process.pid

    async def keep_running(self) -> None:
        """Run the service, again and again, until `stop`."""
        clock = asyncio.get_running_loop()
        failures = 0
        while not self._stopping.is_set():
            started = clock.time()
            code = await self._run_once()
            if self._stopping.is_set():
                return
            failures = 1 if clock.time() - started > HEALTHY else failures + 1
            delay = BACKOFF.delay(failures, random.random())  # noqa: S311 - jitter, not a secret
            self._screen.line(self.service.name, f"ended with code {code}; started again in {delay:.1f} s")
            await self._rest(delay)

    async def stop(self) -> None:
        """End the service, politely first, and wait until it is gone."""
        self._stopping.set()
        if self._process is not None:
            await asyncio.to_thread(self._process.stop)

    async def _run_once(self) -> int:
        reader, writer = os.pipe()
        try:
            self._process = Leashed.start(self._command, writer)
        finally:
            os.close(writer)
        self.starts += 1
        self._changed()
        await self._show(reader)
        return await asyncio.to_thread(self._process.wait)

    async def _show(self, descriptor: int) -> None:
        """Print what the service writes until it, and all who inherited its output, have ended."""
        lines = asyncio.StreamReader(limit=LINE_LIMIT)
        loop = asyncio.get_running_loop()
        with os.fdopen(descriptor, "rb") as pipe:
            transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), pipe)
            while line := await _next_line(lines):
                self._screen.line(self.service.name, line.decode(errors="replace").rstrip("\r\n"))
            transport.close()

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return


async def _next_line(lines: asyncio.StreamReader) -> bytes:
    """The next line with its end, empty at the end of file."""
    try:
        return await lines.readline()
    except ValueError:  # the reader's word for a line over its limit, which it has dropped
        return b"(a line too long to show)\n"
