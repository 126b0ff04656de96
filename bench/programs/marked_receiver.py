"""The receiver of another system's webhooks, by the markers that they carry.

`GET /bench/count?load=…` answers how many different markers of a load have come, `GET /bench/arrivals?load=…` when each
came first and how often. Whatever else comes is answered 200.

Invariant: a request's time is taken when its last byte is here, before its body is looked into.
"""

import time
from dataclasses import dataclass

import uvloop
from aiohttp import web

from bench.child import quiet_collector, spec_of
from bench.other_system import marker_in

_LARGEST = 4 * 1024 * 1024


@dataclass(frozen=True)
class Spec:
    """Where to listen, and the field that has the marker."""

    host: str
    port: int
    field: str


class Receiver:
    """What came: by marker, when it was first here, in microseconds since 1970, and how often."""

    def __init__(self, field: str) -> None:
        self._field = field
        self._came: dict[str, tuple[int, int]] = {}
        self._unmarked = 0

    async def take(self, request: web.Request) -> web.Response:
        """Note a webhook."""
        body = await request.read()
        now = time.time_ns() // 1000
        marker = marker_in(body, self._field)
        if marker is None:
            self._unmarked += request.method == "POST"
        else:
            first, count = self._came.get(marker, (now, 0))
            self._came[marker] = first, count + 1
        return web.Response()

    async def count(self, request: web.Request) -> web.Response:
        """Tell how many different ones of a load came, and how many had no marker at all."""
        return web.json_response({"came": len(self._of_load(request)), "unmarked": self._unmarked})

    async def arrivals(self, request: web.Request) -> web.Response:
        """Tell all that came of a load."""
        return web.json_response(self._of_load(request))

    def _of_load(self, request: web.Request) -> dict[str, tuple[int, int]]:
        beginning = request.query["load"] + "-"
        return {marker: came for marker, came in self._came.items() if marker.startswith(beginning)}


def app(field: str) -> web.Application:
    """Make the application."""
    receiver, made = Receiver(field), web.Application(client_max_size=_LARGEST)
    made.router.add_get("/bench/count", receiver.count)
    made.router.add_get("/bench/arrivals", receiver.arrivals)
    made.router.add_route("*", "/{path:.*}", receiver.take)
    return made


def main(spec: Spec) -> None:
    """Serve until the end."""
    quiet_collector()
    web.run_app(
        app(spec.field), host=spec.host, port=spec.port, print=None, access_log=None, loop=uvloop.new_event_loop()
    )


if __name__ == "__main__":
    main(spec_of(Spec))
