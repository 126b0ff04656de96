"""A lane: the queues of one kind of attempt, one an endpoint, served in turn.

Invariants: an endpoint never has more attempts under way than its gate lets through, nor more than slots are left for
others, nor more jobs queued, or bytes of bodies in memory, than room is left for others; a quarter of the slots is for
endpoints that answer quickly. So however many endpoints hang, those that answer go on. Within a queue the first in is
the first out.
"""

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from webhook_dispatcher.domain.delivery import Job, Load
from webhook_dispatcher.domain.gate import Gate

_TRUSTED_SHARE = 4  # one slot in so many is for endpoints that answer quickly
_SHED_AT_ONCE = 1_000
_NOTHING = Load()


class Start(NamedTuple):
    """A job that has a slot, and what its endpoint's gate must be told at its end."""

    job: Job
    gate: Gate
    began: float
    probe: int


@dataclass(slots=True)
class _Line:
    """One endpoint's part of a lane."""

    jobs: deque[Job] = field(default_factory=deque)
    busy: int = 0
    size: int = 0  # bytes of the bodies of those that are queued or under way
    is_doubted: bool = False  # whether its attempts under way count as those of endpoints that may hang
    is_in_turn: bool = False


class Lane:
    """Queues and slots; makes no attempt itself.

    Args:
        slots: attempts under way at most, over all endpoints.
        endpoint_slots: attempts under way at most to one endpoint.
        endpoint_queue: jobs queued at most for one endpoint.
        queue: jobs queued at most, over all endpoints.
        bodies: bytes of the bodies of jobs, queued or under way, beyond which none is queued; the last may end beyond.
        retrying: whether it is the lane of retries.
        gate_of: tells an endpoint's gate.
        hold: called with an endpoint that must wait and the time until which; `resume` is expected then.
    """

    def __init__(
        self,
        *,
        slots: int,
        endpoint_slots: int,
        endpoint_queue: int,
        queue: int,
        bodies: int,
        retrying: bool,
        gate_of: Callable[[str], Gate],
        hold: Callable[[str, float], None],
    ) -> None:
        self._slots = slots
        self._doubted_slots = slots - slots // _TRUSTED_SHARE
        self._endpoint_slots = endpoint_slots
        self._endpoint_queue = endpoint_queue
        self._queue = queue
        self._bodies = bodies
        self.retrying = retrying
        self._gate_of = gate_of
        self._hold = hold
        self._lines: dict[str, _Line] = {}
        self._turns: deque[str] = deque()  # endpoints with jobs that nothing of their own holds back, each once
        self._crowd: deque[str] = deque()  # endpoints that wait for a slot that a doubted one may have
        self._doubted = 0
        self.queued = 0
        self.in_flight = 0
        self.size = 0

    @property
    def free(self) -> Load:
        """How much more can be queued, over all endpoints."""
        return Load(max(0, self._queue - self.queued), max(0, self._bodies - self.size))

    @property
    def is_full(self) -> bool:
        """Whether nothing more can be queued."""
        return self.queued >= self._queue or self.size >= self._bodies

    def room(self, endpoint: str, mine: Load = _NOTHING, taken: Load = _NOTHING) -> int:
        """Tell how many jobs can be queued for an endpoint.

        Args:
            endpoint: which one.
            mine: what is about to be queued for it.
            taken: what is about to be queued for all.
        """
        line = self._lines.get(endpoint)
        jobs, size = (mine.jobs, mine.size) if line is None else (len(line.jobs) + mine.jobs, line.size + mine.size)
        if size >= self._bodies - self.size - taken.size:
            return 0
        most = self._gate_of(endpoint).jobs(self._endpoint_queue)
        return max(0, min(most, self._queue - self.queued - taken.jobs) - jobs)

    def is_low(self, endpoint: str) -> bool:
        """Tell whether an endpoint's queue has so much room that filling it up is worth a query."""
        line, room = self._lines.get(endpoint), self.room(endpoint)
        if line is None or room == 0:
            return room > 0
        return len(line.jobs) <= room and line.size * 2 <= self._bodies - self.size

    def put(self, job: Job) -> None:
        """Queue a job behind those of its endpoint."""
        endpoint = job.subscription_id
        line = self._lines.get(endpoint)
        if line is None:
            line = self._lines[endpoint] = _Line()
        line.jobs.append(job)
        self.queued += 1
        self._weigh(line, len(job.tail))
        self._line_up(endpoint, line)

    def take(self, now: float) -> Start | None:
        """Take the next job and a slot for it; None if no endpoint may start one now."""
        self._admit()
        start = self._next(now)
        while start is None and self._admit():
            start = self._next(now)
        return start

    def done(self, start: Start, now: float) -> None:
        """Give back the slot of an attempt that has ended, of which its gate knows."""
        endpoint = start.job.subscription_id
        line = self._lines[endpoint]
        self.in_flight -= 1
        line.busy -= 1
        self._weigh(line, -len(start.job.tail))
        self._doubted -= line.is_doubted
        self._count(line, is_doubted=not start.gate.is_trusted(now))
        if line.jobs:
            self._line_up(endpoint, line)
        self._tidy(endpoint, line)

    def resume(self, endpoint: str) -> None:
        """Let an endpoint have its turn that had to wait."""
        line = self._lines.get(endpoint)
        if line is not None and line.jobs:
            self._line_up(endpoint, line)

    def drop(self, endpoint: str) -> list[Job]:
        """Take all queued jobs of an endpoint out; attempts under way go on."""
        line = self._lines.get(endpoint)
        if line is None:
            return []
        jobs = list(line.jobs)
        line.jobs.clear()
        self._forget(line, jobs)
        self._tidy(endpoint, line)
        return jobs

    def shed(self, endpoint: str) -> list[Job]:
        """Take the last jobs of an endpoint out that are more than it may keep; not too many at once."""
        line = self._lines.get(endpoint)
        if line is None:
            return []
        excess = len(line.jobs) - self._gate_of(endpoint).jobs(self._endpoint_queue)
        jobs = [line.jobs.pop() for _ in range(min(excess, _SHED_AT_ONCE))]
        self._forget(line, jobs)
        return jobs

    def jobs(self) -> Iterator[Job]:
        """Go through all queued jobs."""
        return (job for line in self._lines.values() for job in line.jobs)

    def clear(self) -> None:
        """Forget all queued jobs; attempts under way go on."""
        for endpoint in list(self._lines):
            self.drop(endpoint)

    def _next(self, now: float) -> Start | None:
        for _ in range(len(self._turns) if self.in_flight < self._slots else 0):
            endpoint = self._turns.popleft()
            line = self._lines[endpoint]
            line.is_in_turn = False
            if not line.jobs:
                self._tidy(endpoint, line)
            elif (gate := self._passable(endpoint, line, now)) is not None:
                return self._start(endpoint, line, gate, now)
        return None

    def _admit(self) -> bool:
        """Let as many of the crowd have their turn as may start; tell whether there were any."""
        admitted = min(len(self._crowd), self._doubted_slots - self._doubted) if self._crowd else 0
        for _ in range(admitted):
            self._turns.append(self._crowd.popleft())
        return admitted > 0

    def _passable(self, endpoint: str, line: _Line, now: float) -> Gate | None:
        """Answer the gate of an endpoint if an attempt may start now; else see to it that it comes back in time."""
        gate = self._gate_of(endpoint)
        ready = gate.ready_at(retrying=self.retrying)
        if ready > now:
            if ready < math.inf:
                self._hold(endpoint, ready)
            return None  # without an end that is known, it comes back when one of its attempts is done
        if line.busy >= gate.slots(self._endpoint_slots, now):
            return None  # as above
        free = self._slots - self.in_flight
        self._count(line, is_doubted=not gate.is_trusted(now))
        if line.is_doubted:
            free = min(free, self._doubted_slots - self._doubted)
            if free <= 0:
                line.is_in_turn = True
                self._crowd.append(endpoint)
                return None
        if line.busy < free:
            return gate
        self._line_up(endpoint, line)
        return None

    def _start(self, endpoint: str, line: _Line, gate: Gate, now: float) -> Start:
        job = line.jobs.popleft()
        self.queued -= 1
        self.in_flight += 1
        line.busy += 1
        self._doubted += line.is_doubted
        if line.jobs:
            self._line_up(endpoint, line)
        return Start(job, gate, now, gate.start(now, retrying=self.retrying))

    def _count(self, line: _Line, *, is_doubted: bool) -> None:
        if is_doubted is not line.is_doubted:
            line.is_doubted = is_doubted
            self._doubted += line.busy if is_doubted else -line.busy

    def _forget(self, line: _Line, jobs: Sequence[Job]) -> None:
        self.queued -= len(jobs)
        self._weigh(line, -sum(len(job.tail) for job in jobs))

    def _weigh(self, line: _Line, size: int) -> None:
        line.size += size
        self.size += size

    def _line_up(self, endpoint: str, line: _Line) -> None:
        if not line.is_in_turn:
            line.is_in_turn = True
            self._turns.append(endpoint)

    def _tidy(self, endpoint: str, line: _Line) -> None:
        if not (line.jobs or line.busy or line.is_in_turn):
            del self._lines[endpoint]
