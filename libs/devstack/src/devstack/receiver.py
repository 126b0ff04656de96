"""A webhook receiver on this machine: takes deliveries, verifies them as any subscriber would, hands them on.

Invariant: a delivery is acknowledged with 204 only if the standardwebhooks library accepts its signature; else 401.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from devstack.ports import HOST
from devstack.stack import Api

SUBSCRIPTIONS = "/api/v1/webhooks/subscriptions"


@dataclass(frozen=True)
class Arrival:
    """One delivery as it came in; `problem` tells why its signature was refused, None if it was accepted."""

    webhook_id: str
    payload: dict[str, Any]
    problem: str | None


class Receiver:
    """Takes deliveries until its context ends; `arrivals` holds them in the order they came."""

    def __init__(self) -> None:
        self.arrivals: asyncio.Queue[Arrival] = asyncio.Queue()
        self._secret: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def expect(self, secret: str) -> None:
        """Verify with `secret`; deliveries that came before wait for it."""
        self._secret.set_result(secret)

    async def take(self, request: web.Request) -> web.Response:
        """Verify one delivery and hand it on."""
        body = await request.read()
        try:
            Webhook(await self._secret).verify(body, dict(request.headers))
            problem = None
        except (WebhookVerificationError, ValueError) as error:  # the library's ValueErrors tell of malformed input
            problem = str(error)
        await self.arrivals.put(Arrival(request.headers.get("webhook-id", "?"), _object(body), problem))
        return web.Response(status=204 if problem is None else 401)


@asynccontextmanager
async def receiving(port: int) -> AsyncIterator[tuple[Receiver, str]]:
    """A receiver that listens on `port` of loopback, and its URL."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/", receiver.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        yield receiver, f"http://{HOST}:{port}/"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def subscribed(api: Api, receiver: Receiver, url: str, events: Sequence[str]) -> AsyncIterator[str]:
    """Subscribe the receiver at `url` to `events` for the block; the subscription's id.

    Raises:
        RefusedError: the API refused the subscription.
    """
    body = {"url": url, "events": list(events), "description": "slotwire on this machine"}
    made = (await api.call("POST", SUBSCRIPTIONS, body))["data"]
    receiver.expect(made["secret"])
    try:
        yield made["id"]
    finally:
        await api.call("DELETE", f"{SUBSCRIPTIONS}/{made['id']}")


def _object(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
