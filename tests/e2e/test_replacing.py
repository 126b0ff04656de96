"""Every process is replaced by another while requests come: none is refused, none breaks off, and no event is lost.

As docs/operating.md says: one process at a time, taken out of the proxy first and put back once it is ready.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from support.servers import Servers
from support.subscriber import subscriber
from support.system import ServiceProcess, System, running_system
from support.waiting import eventually

CLIENTS = 4
PAUSE_SECONDS = 0.05
"""For so long a client does nothing between two requests."""
BETWEEN_SECONDS = 0.5
"""For so long all processes answer between two that are replaced."""


@dataclass
class Proxy:
    """Gives requests to the processes that are in it, in turn, and never a second time.

    Attributes:
        processes: those that are in it.
        answered: the statuses of the answers.
        bookings: the ids of what was made.
    """

    system: System
    processes: list[ServiceProcess]
    answered: set[int] = field(default_factory=set)
    bookings: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _asked: Counter[str] = field(default_factory=Counter)

    async def book(self, schedule: str) -> None:
        number = next(self._numbers)
        start = datetime(2030, 1, 1, tzinfo=UTC) + timedelta(hours=number)
        body = {
            "schedule_id": schedule,
            "start_time": start.isoformat(),
            "end_time": (start + timedelta(hours=1)).isoformat(),
            "attendee": {"name": f"Guest {number}", "email": f"guest{number}@example.com"},
        }
        origin = self.processes[number % len(self.processes)].url
        url, headers = f"{origin}/api/v1/bookings", self.system.tenant.headers
        self._asked[origin] += 1
        async with self.system.session.post(url, json=body, headers=headers) as answer:
            self.answered.add(answer.status)
            self.bookings.append((await answer.json())["data"]["id"])
        self._asked[origin] -= 1

    @asynccontextmanager
    async def under_load(self, schedule: str) -> AsyncIterator[None]:
        """Book for the block, all clients at once, each with a pause between two."""
        over = asyncio.Event()

        async def client() -> None:
            while not over.is_set():
                await self.book(schedule)
                await asyncio.sleep(PAUSE_SECONDS)

        async with asyncio.TaskGroup() as clients:
            for _ in range(CLIENTS):
                clients.create_task(client())
            try:
                yield
            finally:
                over.set()

    @asynccontextmanager
    async def without(self, process: ServiceProcess) -> AsyncIterator[None]:
        """Leave a process out for the block, if it is in, from when it has answered what it was given."""
        before = self.processes
        self.processes = [one for one in before if one is not process]

        async def has_answered() -> bool:
            return not self._asked[process.url]

        await eventually(has_answered)
        yield
        self.processes = before


async def replace(process: ServiceProcess) -> None:
    await asyncio.to_thread(process.stop)
    await asyncio.to_thread(process.start)
    await eventually(process.ready)


async def has_written_all(system: System, accepted: int) -> bool:
    """Whether the dispatcher has written of so many deliveries what became of them."""
    _, answer = await system.call("GET", "/api/v1/webhooks/ledger")
    return (answer["data"]["accepted"], answer["data"]["in_flight"]) == (accepted, 0)


async def test_nobody_notices_that_every_process_is_replaced(servers: Servers, tmp_path: Path) -> None:
    async with running_system(servers, tmp_path, booking=2, dispatcher=2) as system, subscriber() as told:
        wanted = {"url": told.url, "events": ["reservation.created"]}
        told.expect((await system.made("/api/v1/webhooks/subscriptions", wanted))["secret"])
        schedule = (await system.made("/api/v1/schedules", {"name": "Room", "timezone": "UTC"}))["id"]
        proxy = Proxy(system, list(system.booking))
        async with proxy.under_load(schedule):
            for process in system.processes:
                await asyncio.sleep(BETWEEN_SECONDS)
                async with proxy.without(process):
                    await replace(process)
            await asyncio.sleep(BETWEEN_SECONDS)
        assert proxy.answered == {201}

        async def all_came() -> bool:
            return len(told.accepted) >= len(proxy.bookings)

        await eventually(all_came)
        await eventually(partial(has_written_all, system, len(proxy.bookings)))
        told.check_names()
        assert {one["resourceId"] for one in told.events.values()} == set(proxy.bookings)
        _, answer = await system.call("GET", "/api/v1/webhooks/ledger")
        assert answer["data"]["unaccounted"] == 0
        assert answer["data"]["delivered"] == len(proxy.bookings) == len(set(proxy.bookings))
