"""Posts bookings: as fast as the answers come (closed loop), or at a fixed rate whatever comes (open loop).

Invariants: every answer must be 201, so a rate never counts refusals; in the open loop a booking's time runs from the
instant it was due, not from when a connection was free, so a stall of the server shows in full.
"""

import asyncio
import itertools
import json
import time
from dataclasses import dataclass, field
from typing import Any

import uvloop

from bench.bookings import PATH, PlainSeries, Series
from bench.checked_bookings import CheckedSeries
from bench.child import spec_of, tell
from bench.programs.channel import Channel, request

HOST = "127.0.0.1"
_CREATED = 201
_SERIES: dict[str, type[PlainSeries | CheckedSeries]] = {kind.name: kind for kind in (PlainSeries, CheckedSeries)}


@dataclass(frozen=True)
class Spec:
    """What to post: from the booking of that number on, for so many seconds.

    Attributes:
        ports: where to post; the connections are shared out among them.
        series: the name of a series of bookings.
        fields: what it is made of.
        rate: bookings a second; None to send each as soon as a connection is free.
        skipped: seconds at the beginning of the open loop that are not recorded.
    """

    ports: list[int]
    key: str
    series: str
    fields: dict[str, Any]
    first: int
    connections: int
    seconds: float
    rate: float | None = None
    skipped: float = 0.0


@dataclass
class Result:
    """What came of it.

    Attributes:
        answered: bookings made within the time.
        following: the number of the first booking that was not sent.
        seconds: the time that `answered` is counted over.
        cpu_seconds: processor time of this program within it.
        posts: the id of each booking of the open loop, when its POST was due, and when its answer was here, in
            microseconds since 1970.
    """

    answered: int = 0
    following: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    posts: list[tuple[str, int, int]] = field(default_factory=list)


class Generator:
    """The connections, and the bookings that are still to be posted."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._series: Series = _SERIES[spec.series](**spec.fields)
        self._headers = f"Authorization: Bearer {spec.key}\r\n"
        self._numbers = itertools.count(spec.first)
        self._channels: asyncio.LifoQueue[Channel] = asyncio.LifoQueue()
        self._ended = False
        self.result = Result()

    async def run(self) -> Result:
        """Post for the asked time, and wait for the last answers."""
        for _, port in zip(range(self._spec.connections), itertools.cycle(self._spec.ports), strict=False):
            self._channels.put_nowait(await Channel.connected(HOST, port))
        began, cpu = time.perf_counter(), time.process_time()
        async with asyncio.TaskGroup() as group:
            if self._spec.rate is None:
                for _ in range(self._spec.connections):
                    group.create_task(self._post_on_and_on())
                await asyncio.sleep(self._spec.seconds)
            else:
                await self._keep_rate(self._spec.rate, group)
            self._ended = True
            self.result.seconds = time.perf_counter() - began
            self.result.cpu_seconds = time.process_time() - cpu
        self.result.following = next(self._numbers)
        return self.result

    async def _post_on_and_on(self) -> None:
        while not self._ended:
            await self._post()

    async def _keep_rate(self, rate: float, group: asyncio.TaskGroup) -> None:
        began = time.time()
        for number in range(int(rate * (self._spec.skipped + self._spec.seconds))):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.time()))
            group.create_task(self._post_and_record(due, counts=number >= rate * self._spec.skipped))

    async def _post_and_record(self, due: float, *, counts: bool) -> None:
        answer = await self._post()
        answered = time.time()
        if counts:
            self.result.posts.append((json.loads(answer)["data"]["id"], int(due * 1e6), int(answered * 1e6)))

    async def _post(self) -> bytes:
        channel = await self._channels.get()
        number = next(self._numbers)
        headers = self._headers + self._series.headers(number)
        status, answer = await channel.ask(request("POST", PATH, headers, self._series.body(number)))
        if status != _CREATED:
            raise RuntimeError(f"a booking was answered {status}: {answer.decode()}")
        self.result.answered += not self._ended
        self._channels.put_nowait(channel)
        return answer


if __name__ == "__main__":
    tell(uvloop.run(Generator(spec_of(Spec)).run()))
