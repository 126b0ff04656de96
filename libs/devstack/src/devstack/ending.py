"""Ending in order.

Invariant: however many signals come, they are one cancellation, and blocking work is never left half-done.
"""

import asyncio
import signal
from collections.abc import Callable
from typing import Any


async def to_its_end(work: Callable[[], None]) -> None:
    """Do blocking work in a thread; a cancellation takes effect after its end, so that nothing half-done is left."""
    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait([working])
        raise


def end_on_signals(task: "asyncio.Task[Any]") -> asyncio.Event:
    """Have SIGINT and SIGTERM end the task, once: a second one does not break its orderly end."""
    ending = asyncio.Event()

    def end() -> None:
        if not ending.is_set():
            ending.set()
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end)
    return ending
