"""Subscribers' endpoints: some answer at once, some never, some now and then; all of them remember what came.

Invariant: every request is written down with what it was answered; one that came unverified is, too.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random

from aiohttp import web
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from chaos.evidence import Arrival
from chaos.journal import Journal
from chassis.clock import utc_now
from support.serving import serving

Manner = Callable[[Random], int]
"""What an endpoint answers next; 0 is no answer at all."""

GOOD = 204
_HANGS_SECONDS = 30.0


def healthy(_: Random) -> int:
    """Answer at once."""
    return GOOD


def flapping(random: Random) -> int:
    """Answer well, or badly, or not at all."""
    return random.choices((GOOD, 500, 503, 429, 0), (6, 3, 1, 1, 0.3))[0]


def hanging(_: Random) -> int:
    """Never answer."""
    return 0


def failing(_: Random) -> int:
    """Always refuse."""
    return 500


@dataclass
class Endpoint:
    """One endpoint.

    Attributes:
        name: a word of its own.
        port: where it listens.
    """

    name: str
    manner: Manner
    journal: Journal
    random: Random
    port: int = 0
    secret: str = field(init=False)

    def __post_init__(self) -> None:
        self.secret = f"whsec_{base64.b64encode(self.random.randbytes(32)).decode()}"

    def heal(self) -> None:
        """Answer well from now on."""
        self.manner = healthy

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Endpoint"]:
        """Listen, for the block."""
        async with serving("/hook", self._take) as origin:
            self.port = int(origin.rpartition(":")[2])
            yield self

    async def _take(self, request: web.Request) -> web.Response:
        body, status = await request.read(), self.manner(self.random)
        with self.journal.minding(f"the endpoint {self.name}"):
            webhook_id, verified = request.headers.get("webhook-id", ""), self._is_signed(request, body)
            self.journal.arrivals.append(Arrival(self.name, webhook_id, utc_now(), verified, json.loads(body), status))
        if not status:
            await asyncio.sleep(_HANGS_SECONDS)
        return web.Response(status=status or GOOD)

    def _is_signed(self, request: web.Request, body: bytes) -> bool:
        try:
            Webhook(self.secret).verify(body, dict(request.headers))
        except WebhookVerificationError:
            return False
        return True
