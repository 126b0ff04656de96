"""A Cal.com with many bookings: the stand-in of the tests, which locks out who asks too often, as Cal.com does.

It is told its port, the API key that is right, and how many bookings it has. `GET /count` answers how many requests
came to its API.

Invariant: its bookings do not overlap, half of them are over, and none of them changes.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from aiohttp import web

from devstack.ports import HOST
from support.calcom import Attendee, Defects, Life, StandIn, Throttle

_APART = timedelta(hours=1)  # they take half of that

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def life(bookings: int) -> Life:
    """Have so many people book, each once, a minute after the other; the last one did a day ago."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    lived = Life(now=now - timedelta(days=1, minutes=bookings))
    for number in range(bookings):
        lived.advance(minutes=1)
        guest = Attendee(f"Guest {number}", f"guest-{number}@example.com")
        lived.create(now + (number - bookings // 2) * _APART, guest)
    lived.now = now
    return lived


async def serve(port: int, key: str, bookings: int) -> None:
    """Serve it until the process is ended."""
    calcom = StandIn(life(bookings), Defects(throttle=Throttle()), key=key)

    @web.middleware
    async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
        return web.Response(text=str(calcom.count)) if request.path == "/count" else await handler(request)

    app = calcom.application()
    app.middlewares.insert(0, counted)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
