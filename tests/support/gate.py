"""A gate between two services: calls pass it, and a test stops some of them on their way there, or on their way back.

Invariant: a call that is stopped on its way there has not reached the service; of one that is stopped on its way back
the service has answered, and the caller does not know.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from chassis.identity import ORGANIZATION_HEADER
from support.serving import serving

_NOT_PASSED_ON = {"Host", "Content-Length", "Transfer-Encoding", "Connection"}


@dataclass(frozen=True)
class Call:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Stop:
    """The next call of an organization to a path, stopped until it is let go; one whose caller dies is never passed on.

    Attributes:
        answered: whether it is stopped when the service has answered; else before it is asked.
    """

    org_id: str
    method: str
    path: str
    answered: bool
    _met: "asyncio.Future[Call]" = field(default_factory=asyncio.Future)
    _goes_on: "asyncio.Future[bool]" = field(default_factory=asyncio.Future)

    async def met(self) -> Call:
        """Wait until the call is stopped.

        Raises:
            TimeoutError: there was none within 30 seconds.
        """
        async with asyncio.timeout(30):
            return await asyncio.shield(self._met)

    def let_go(self, *, cut: bool = False) -> None:
        """Pass the call on; or cut its connection, so that it is lost."""
        self._goes_on.set_result(not cut)

    def is_for(self, call: Call) -> bool:
        """Tell whether a call is to be stopped here."""
        wanted = call.headers.get(ORGANIZATION_HEADER), call.method
        return wanted == (self.org_id, self.method) and call.path.startswith(self.path)

    async def hold(self, call: Call) -> bool:
        """Hold the call until it is let go; tell whether it is passed on."""
        self._met.set_result(call)
        return await self._goes_on


@dataclass
class Gate:
    """Where a service is called by another.

    Attributes:
        url: where the gate is.
        beyond: tells where the service is.
        stops: what has not been met yet.
    """

    beyond: Callable[[], str]
    http: aiohttp.ClientSession
    url: str = ""
    stops: list[Stop] = field(default_factory=list)

    def stop(self, org_id: str, method: str, path: str, *, answered: bool) -> Stop:
        """Stop the next call of an organization to a path that begins so."""
        self.stops.append(Stop(org_id, method, path, answered))
        return self.stops[-1]

    async def take(self, request: web.Request) -> web.Response:
        """Pass a call on, and its answer back."""
        headers = {name: value for name, value in request.headers.items() if name not in _NOT_PASSED_ON}
        call = Call(request.method, request.path_qs, headers, await request.read())
        stop = next((one for one in self.stops if one.is_for(call)), None)
        if stop is not None:
            self.stops.remove(stop)
        if stop is not None and not stop.answered and not await stop.hold(call):
            return _cut(request)
        try:
            answer = await self.send(call)
        except aiohttp.ClientError:
            return _cut(request)
        if stop is not None and stop.answered and not await stop.hold(call):
            return _cut(request)
        return answer

    async def send(self, call: Call) -> web.Response:
        """Bring a call to the service, as often as a bad network may."""
        async with self.http.request(
            call.method, self.beyond() + call.path, headers=call.headers, data=call.body
        ) as answer:
            content = await answer.read()
        return web.Response(status=answer.status, body=content, content_type="application/json")


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


@asynccontextmanager
async def running_gate(beyond: Callable[[], str]) -> AsyncIterator[Gate]:
    """A gate on loopback for the block."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True)) as http:
        gate = Gate(beyond, http)
        async with serving("/{path:.*}", gate.take, method="*") as gate.url:
            yield gate
