"""A loop apart: something runs in a thread and an event loop of its own, of which nothing is left when it is over.

For what cannot be trusted to clean up after itself, or not to hold up the loop that it runs in. Both loops share one
interpreter, so after each of its turns the loop apart rests as long as it has worked: a busy one would otherwise keep
the interpreter for its whole slice, whenever the loop at home has waited for anything.

Invariants: when `apart` returns or raises, every task of that loop was cancelled, its connections are closed, and its
thread has ended. However much there is to do, it works no more than half of the time, even if nobody else works.
"""

import asyncio
import selectors
import threading
import time
import weakref
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any, ParamSpec, TypeVar

from chassis.lifecycle import Stop

P = ParamSpec("P")
T = TypeVar("T")

_LOOK_SECONDS = 1.0
_SWEEPS = 5
_SWEEP_SECONDS = 0.2
_REST_SECONDS = 0.05  # at once, so that a long turn keeps nobody waiting twice as long


async def apart(main: Callable[[Stop], Awaitable[None]], stop: Stop, *, name: str) -> None:
    """Run `main` in a loop apart until it ends; that it is to stop is passed on to it, and so is a cancellation.

    Args:
        main: what runs there; it returns soon after its own `Stop`, which belongs to that loop, is set.
        stop: the request to stop, at home.
        name: the thread's name.

    Raises:
        Exception: whatever `main` raises.
    """
    loop, asked, outcome = _Loop(), Stop(), Future[BaseException | None]()
    thread = threading.Thread(target=_live, args=(loop, main, asked, outcome), name=name)
    ended = asyncio.wrap_future(outcome)
    thread.start()
    try:
        while not (ended.done() or await stop.wait(_LOOK_SECONDS)):
            pass
    finally:
        loop.call_soon_threadsafe(asked.set)
        try:
            await _outlast(ended)
        finally:
            thread.join()
            loop.close()
    failure = ended.result()
    if failure is not None:
        raise failure


def at_home(act: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Make what a loop apart awaits to have `act` done in the loop that runs now, where a pool's connections belong."""
    home = asyncio.get_running_loop()

    async def acted(*args: P.args, **kwargs: P.kwargs) -> T:
        return await act(*args, **kwargs)

    async def from_afar(*args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(acted(*args, **kwargs), home))

    return from_afar


async def _outlast(ended: asyncio.Future[BaseException | None]) -> None:
    """Wait for the end even when cancelled meanwhile: it comes soon, for it was asked for."""
    try:
        await asyncio.wait([ended])
    except asyncio.CancelledError:
        await asyncio.wait([ended])
        raise


class _Selector(selectors.DefaultSelector):
    """Tells a loop what happened, after a rest as long as its last turn; what is left of a long rest comes later."""

    def __init__(self) -> None:
        super().__init__()
        self._worked = 0.0
        self._owed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Rest, then wait for what happens, as every selector does; that is a rest too."""
        worked, began = time.thread_time(), time.monotonic()
        self._owed += worked - self._worked
        self._worked = worked
        time.sleep(min(self._owed, _REST_SECONDS))
        found = super().select(None if timeout is None else max(0.0, timeout - (time.monotonic() - began)))
        self._owed = max(0.0, self._owed - (time.monotonic() - began))
        return found


class _Loop(asyncio.SelectorEventLoop):
    """An event loop that leaves room for another, and can be left with nothing open."""

    def __init__(self) -> None:
        super().__init__(_Selector())
        self._connections: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()

    async def create_connection(self, *args: Any, **options: Any) -> Any:
        """Connect, and remember the connection."""
        transport, protocol = await super().create_connection(*args, **options)
        self._connections.add(transport)
        return transport, protocol

    async def sweep(self) -> None:
        """Cancel what still runs, again if it goes on in spite of that, and close what is still connected."""
        for _ in range(_SWEEPS):
            left = asyncio.all_tasks() - {asyncio.current_task()}
            if not left:
                break
            for task in left:
                task.cancel()
            await asyncio.wait(left, timeout=_SWEEP_SECONDS)
        for transport in list(self._connections):
            transport.abort()
        await self.shutdown_asyncgens()
        await asyncio.sleep(0)  # a connection closes in the turn after


def _live(
    loop: _Loop, main: Callable[[Stop], Awaitable[None]], asked: Stop, outcome: Future[BaseException | None]
) -> None:
    async def swept() -> None:
        try:
            await main(asked)
        finally:
            await loop.sweep()

    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(swept())
    except BaseException as error:  # noqa: BLE001 - it is raised at home
        outcome.set_result(error)
    else:
        outcome.set_result(None)
