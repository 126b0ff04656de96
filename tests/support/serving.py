"""A handler of requests, served on loopback."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from devstack.ports import HOST

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(
    path: str, handler: Handler, *, method: str = "POST", tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """Serve a path on a free port of loopback for the block; answers the URL before the path.

    A request that is under way at the end of the block, or whose client has gone, is cancelled.
    """
    app = web.Application()
    app.router.add_route(method, path, handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0, ssl_context=tls).start()
    try:
        yield f"http{'s' if tls else ''}://{HOST}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
