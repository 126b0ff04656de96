"""A lane: the queues of one kind of attempt, one an endpoint, served in turn.

Invariants: an endpoint never has more attempts under way than its own limit, nor more than slots are left for others;
so however many endpoints hang, a slot is left for the next one. Within a queue the first in is the first out.
"""

from collections import deque
from collections.abc import Iterator

from webhook_dispatcher.domain.delivery import Job


class Lane:
    """Queues and slots; makes no attempt itself.

    Args:
        slots: attempts under way at most, over all endpoints.
        endpoint_slots: attempts under way at most to one endpoint.
        endpoint_queue: jobs queued at most for one endpoint.
        queue: jobs queued at most, over all endpoints.
    """

    def __init__(self, *, slots: int, endpoint_slots: int, endpoint_queue: int, queue: int) -> None:
        self._slots = slots
        self._endpoint_slots = endpoint_slots
        self._endpoint_queue = endpoint_queue
        self._queue = queue
        self._queues: dict[str, deque[Job]] = {}
        self._busy: dict[str, int] = {}
        self._turns: deque[str] = deque()  # endpoints with jobs that are not at their own limit, each once
        self._in_turn: set[str] = set()
        self.queued = 0
        self.in_flight = 0

    def room(self, endpoint: str) -> int:
        """Tell how many jobs can be queued for an endpoint."""
        mine = len(self._queues.get(endpoint, ()))
        return max(0, min(self._endpoint_queue - mine, self._queue - self.queued))

    def is_low(self, endpoint: str) -> bool:
        """Tell whether an endpoint's queue has so much room that filling it up is worth a query."""
        return len(self._queues.get(endpoint, ())) <= self._endpoint_queue // 2

    def put(self, job: Job) -> None:
        """Queue a job behind those of its endpoint."""
        endpoint = job.subscription_id
        self._queues.setdefault(endpoint, deque()).append(job)
        self.queued += 1
        self._line_up(endpoint)

    def take(self) -> Job | None:
        """Take the next job and a slot for it; None if no endpoint may start one now."""
        free = self._slots - self.in_flight
        for _ in range(len(self._turns) if free > 0 else 0):
            endpoint = self._turns.popleft()
            self._in_turn.discard(endpoint)
            busy = self._busy.get(endpoint, 0)
            if endpoint not in self._queues or busy >= self._endpoint_slots:
                continue  # it comes back with its next job, or when one of its attempts is done
            if busy < free:
                return self._start(endpoint, busy)
            self._line_up(endpoint)
        return None

    def done(self, endpoint: str) -> None:
        """Give back the slot of an endpoint's attempt that has ended."""
        self.in_flight -= 1
        left = self._busy.pop(endpoint) - 1
        if left:
            self._busy[endpoint] = left
        if endpoint in self._queues:
            self._line_up(endpoint)

    def drop(self, endpoint: str) -> list[Job]:
        """Take all queued jobs of an endpoint out; attempts under way go on."""
        jobs = list(self._queues.pop(endpoint, ()))
        self.queued -= len(jobs)
        return jobs

    def jobs(self) -> Iterator[Job]:
        """Go through all queued jobs."""
        return (job for queue in self._queues.values() for job in queue)

    def clear(self) -> None:
        """Forget all queued jobs; attempts under way go on."""
        self._queues.clear()
        self.queued = 0

    def _start(self, endpoint: str, busy: int) -> Job:
        jobs = self._queues[endpoint]
        job = jobs.popleft()
        self.queued -= 1
        self.in_flight += 1
        self._busy[endpoint] = busy + 1
        if jobs:
            self._line_up(endpoint)
        else:
            del self._queues[endpoint]
        return job

    def _line_up(self, endpoint: str) -> None:
        if endpoint not in self._in_turn:
            self._in_turn.add(endpoint)
            self._turns.append(endpoint)
