"""The time that each of many exchanges has, which is the same for all: one timer serves them.

A timer of its own, as `asyncio.timeout` makes, costs an exchange more than its signature.

Invariants: what began first is due first; a task is cancelled here only while it is inside its block, and only what
was cancelled here alone ends in a `TimeoutError`.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType


class _Exchange:
    """The block of a `with`; `was_cancelled` counts how often its task had been asked to end before.

    A class of its own, as a generator would cost an exchange as much as all the rest here.
    """

    __slots__ = ("_begin", "_end", "due", "is_late", "task", "was_cancelled")

    def __init__(
        self, task: asyncio.Task[object], begin: "Callable[[_Exchange], float]", end: "Callable[[_Exchange], None]"
    ) -> None:
        self._begin = begin
        self._end = end
        self.task = task
        self.is_late = False

    def __enter__(self) -> None:
        self.was_cancelled = self.task.cancelling()
        self.due = self._begin(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self.is_late:
            self._end(self)
            return
        cancelled_here_alone = self.task.cancelling() == self.was_cancelled + 1
        self.task.uncancel()
        if isinstance(error, asyncio.CancelledError) and cancelled_here_alone:
            raise TimeoutError from error


class Deadline:
    """Ends what takes longer than so many seconds, in tasks of the loop that runs when it is made."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._under_way: dict[_Exchange, None] = {}  # in the order in which they are due
        self._timer: asyncio.TimerHandle | None = None

    def kept(self) -> _Exchange:
        """Give the block the time; it is left by all that it awaits.

        Raises:
            TimeoutError: from the block: it took longer, and was cancelled.
        """
        task = asyncio.current_task(self._loop)
        if task is None:
            raise RuntimeError("there is a deadline only in a task")
        return _Exchange(task, self._begin, self._under_way.__delitem__)

    def _begin(self, one: _Exchange) -> float:
        """Take one in that begins now, and tell when it is due."""
        due = self._loop.time() + self._seconds
        self._under_way[one] = None
        if self._timer is None:
            self._timer = self._loop.call_at(due, self._ring)
        return due

    def _ring(self) -> None:
        """Cancel what is late, and wait for what is due next."""
        now = self._loop.time()
        self._timer = None
        for one in list(self._under_way):
            if one.due > now:
                self._timer = self._loop.call_at(one.due, self._ring)
                return
            del self._under_way[one]
            one.is_late = True
            one.task.cancel()
