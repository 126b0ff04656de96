"""The life of a process: background loops that survive their errors, signals, and an orderly end.

Invariant: a loop that raises is started again after a backoff, so that a database or broker that goes away and comes
back needs no restart; at the end every loop is asked to stop first and cancelled only when its time is up.
"""

import asyncio
import gc
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog
import uvloop
from aiohttp import web

from chassis.backoff import Backoff

_log = structlog.get_logger(__name__)
_HEALTHY_SECONDS = 30.0
# Requests, events and deliveries in memory are many and short-lived and hold no cycles: looking for garbage every 700
# objects costs up to a third of the processor.
_OBJECTS_BETWEEN_COLLECTIONS = 20_000


class Stop:
    """The request to stop, which a loop waits for while it has nothing to do."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._wakes: set[Callable[[], None]] = set()  # a loop that is run again gives the same once more

    def set(self) -> None:
        """Ask every loop to return soon."""
        self._event.set()
        for wake in self._wakes:
            wake()

    def waking(self, wake: Callable[[], None]) -> None:
        """Have `wake` called when the stop comes, for a loop that waits for something else."""
        self._wakes.add(wake)

    def is_set(self) -> bool:
        """Tell whether the process is stopping."""
        return self._event.is_set()

    async def wait(self, timeout: float) -> bool:  # noqa: ASYNC109 - the bound is the meaning of this wait
        """Wait for at most `timeout` seconds and tell whether the process is stopping."""
        try:
            async with asyncio.timeout(timeout):
                await self._event.wait()
        except TimeoutError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Loop:
    """A background loop: `run` returns soon after its `Stop` is set."""

    name: str
    run: Callable[[Stop], Awaitable[None]]
    backoff: Backoff = field(default_factory=Backoff)


async def _keep_running(loop: Loop, stop: Stop) -> None:
    failures = 0
    clock = asyncio.get_running_loop()
    while not stop.is_set():
        started = clock.time()
        try:
            await loop.run(stop)
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and is_cancelled():
                raise
            failures = 1 if clock.time() - started > _HEALTHY_SECONDS else failures + 1
            delay = loop.backoff.delay(failures, random.random())  # noqa: S311 - jitter, not a secret
            _log.warning("loop_failed", loop=loop.name, error=repr(error), again_in=round(delay, 3))
            await stop.wait(delay)


def is_cancelled() -> bool:
    """Tell whether somebody cancelled this task; if not, a `CancelledError` is that of something that it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@asynccontextmanager
async def background(*loops: Loop, drain_seconds: float) -> AsyncIterator[Stop]:
    """Run loops while the block runs; then ask them to stop, and cancel those that outlast `drain_seconds`."""
    stop = Stop()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_keep_running(loop, stop), name=loop.name) for loop in loops]
        try:
            yield stop
        finally:
            stop.set()
            if tasks:
                _, late = await asyncio.wait(tasks, timeout=drain_seconds)
                for task in late:
                    _log.warning("loop_cancelled", loop=task.get_name())
                    task.cancel()


async def serve(app: web.Application, *, host: str, port: int, drain_seconds: float) -> None:
    """Serve an application until SIGTERM or SIGINT, then let running requests end.

    Raises:
        OSError: when the address cannot be listened on.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=drain_seconds, handler_cancellation=False)
    await runner.setup()
    ended = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, ended.set)
    try:
        site = web.TCPSite(runner, host, port, reuse_address=True)
        await site.start()
        spare_collector()
        _log.info("listening", host=host, port=port)
        await ended.wait()
        _log.info("stopping")
    finally:
        await runner.cleanup()


def spare_collector() -> None:
    """Have the garbage collector look seldom, and never at what is there now, which lives as long as the process."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    gc.collect()
    gc.freeze()


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Run a coroutine function on uvloop to its end."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_as_coroutine(main))


async def _as_coroutine(main: Callable[[], Awaitable[None]]) -> None:
    await main()
