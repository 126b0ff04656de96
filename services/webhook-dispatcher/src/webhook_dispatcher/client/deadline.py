"""The time that each of many exchanges has, which is the same for all: one timer serves them.

A timer of its own, as `asyncio.timeout` makes, costs an exchange more than its signature.

Invariants: what began first is due first; a task is cancelled here only while it is inside its block, and only what
was cancelled here alone ends in a `TimeoutError`.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class _Exchange:
    """One that is under way; `was_cancelled` counts how often its task had been asked to end before."""

    __slots__ = ("due", "is_late", "task", "was_cancelled")

    def __init__(self, task: asyncio.Task[object], due: float) -> None:
        self.task = task
        self.due = due
        self.was_cancelled = task.cancelling()
        self.is_late = False


class Deadline:
    """Ends what takes longer than so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._under_way: dict[_Exchange, None] = {}  # in the order in which they are due
        self._timer: asyncio.TimerHandle | None = None

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Give the block the time; it is left by all that it awaits.

        Raises:
            TimeoutError: it took longer, and was cancelled.
        """
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        if task is None:
            raise RuntimeError("there is a deadline only in a task")
        one = _Exchange(task, loop.time() + self._seconds)
        self._under_way[one] = None
        if self._timer is None:
            self._timer = loop.call_at(one.due, self._ring)
        try:
            yield
        except asyncio.CancelledError as error:
            if one.is_late and task.cancelling() == one.was_cancelled + 1:
                raise TimeoutError from error
            raise
        finally:
            self._under_way.pop(one, None)
            if one.is_late:
                task.uncancel()

    def _ring(self) -> None:
        """Cancel what is late, and wait for what is due next."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._timer = None
        for one in list(self._under_way):
            if one.due > now:
                self._timer = loop.call_at(one.due, self._ring)
                return
            del self._under_way[one]
            one.is_late = True
            one.task.cancel()
