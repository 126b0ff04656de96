"""Posts to another system: at a fixed rate whatever comes (open loop), or as fast as the answers come (closed loop).

Invariant: in the open loop a request's time runs from the instant it was due, not from when a connection was free.
"""

import asyncio
import itertools
import time
from dataclasses import dataclass, field
from typing import Any

import uvloop
from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

from bench.child import quiet_collector, spec_of, tell
from bench.other_system import Request, values

_TIMEOUT = ClientTimeout(total=60.0)


@dataclass(frozen=True)
class Spec:
    """What to post.

    Attributes:
        request: a `Request`, as a mapping.
        load: what the markers of this load begin with.
        first: the number of the first request.
        rate: requests a second; None to send each as soon as a connection is free.
    """

    request: dict[str, Any]
    load: str
    first: int
    connections: int
    seconds: float
    rate: float | None


@dataclass
class Result:
    """Of each request: its number, when it was due and answered, in microseconds since 1970, and its status.

    The status is 0 where there was no answer. `following` is the number of the first request that was not sent.
    """

    posts: list[tuple[int, int, int, int]] = field(default_factory=list)
    following: int = 0


class Poster:
    """The connections, and the requests that are still to be sent."""

    def __init__(self, spec: Spec, session: ClientSession) -> None:
        self._spec = spec
        self._session = session
        self._request = Request.model_validate(spec.request)
        self._numbers = itertools.count(spec.first)
        self._result = Result()

    async def run(self) -> Result:
        """Post for the asked time, and wait for the last answers."""
        async with asyncio.TaskGroup() as group:
            if self._spec.rate is None:
                ends = time.time() + self._spec.seconds
                for _ in range(self._spec.connections):
                    group.create_task(self._post_until(ends))
            else:
                await self._keep_rate(self._spec.rate, group)
        self._result.following = next(self._numbers)
        return self._result

    async def _post_until(self, ends: float) -> None:
        while (now := time.time()) < ends:
            await self._post(now)

    async def _keep_rate(self, rate: float, group: asyncio.TaskGroup) -> None:
        began = time.time()
        for number in range(max(1, int(rate * self._spec.seconds))):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.time()))
            group.create_task(self._post(due))

    async def _post(self, due: float) -> None:
        number = next(self._numbers)
        headers, body = self._request.filled(values(self._spec.load, number))
        try:
            url = self._request.url
            async with self._session.post(url, headers=headers, data=body, allow_redirects=False) as answer:
                await answer.read()
                status = answer.status
        except (ClientError, TimeoutError):
            status = 0
        self._result.posts.append((number, int(due * 1e6), time.time_ns() // 1000, status))


async def main(spec: Spec) -> Result:
    """Post all."""
    connector = TCPConnector(limit=spec.connections)
    async with ClientSession(connector=connector, cookie_jar=DummyCookieJar(), timeout=_TIMEOUT) as session:
        quiet_collector()
        return await Poster(spec, session).run()


if __name__ == "__main__":
    tell(uvloop.run(main(spec_of(Spec))))
