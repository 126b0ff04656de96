"""A webhook subscriber on loopback: verifies every request with the standardwebhooks library and remembers it."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from standardwebhooks.webhooks import Webhook

from support.serving import serving

Answer = Callable[[str, int], int]
"""Given a webhook-id and how often it has come, the status to answer with; 0 is no answer at all."""

_HANGS_SECONDS = 60.0


@dataclass
class Subscriber:
    """What came, by `webhook-id`; `bodies` holds each id's distinct bodies."""

    answer: Answer
    verifier: Webhook | None = None
    seen: Counter[str] = field(default_factory=Counter)
    accepted: set[str] = field(default_factory=set)
    bodies: dict[str, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    refused: list[str] = field(default_factory=list)
    url: str = ""

    def expect(self, secret: str) -> None:
        """Verify with this secret from now on."""
        self.verifier = Webhook(secret)

    @property
    def events(self) -> dict[str, dict[str, Any]]:
        """The bodies that came, by `webhook-id`."""
        return {webhook_id: json.loads(next(iter(bodies))) for webhook_id, bodies in self.bodies.items()}

    @property
    def ids(self) -> dict[str, set[str]]:
        """The `webhook-id`s that came, accepted or not, by event."""
        found: dict[str, set[str]] = defaultdict(set)
        for webhook_id, body in self.events.items():
            found[body["eventId"]].add(webhook_id)
        return found

    @property
    def event_ids(self) -> set[str]:
        """The events that were accepted."""
        told = self.events
        return {told[webhook_id]["eventId"] for webhook_id in self.accepted}

    def check_names(self) -> None:
        """Check that each event came under one id with one body, and whatever came was signed."""
        assert self.refused == []
        assert {event: ids for event, ids in self.ids.items() if len(ids) != 1} == {}
        assert {webhook_id: bodies for webhook_id, bodies in self.bodies.items() if len(bodies) != 1} == {}

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        webhook_id = request.headers["webhook-id"]
        assert self.verifier is not None
        try:
            self.verifier.verify(body, dict(request.headers))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the test is told
            self.refused.append(f"{webhook_id}: {error!r}")
            return web.Response(status=400)
        self.seen[webhook_id] += 1
        self.bodies[webhook_id].add(body)
        status = self.answer(webhook_id, self.seen[webhook_id])
        if not status:
            await asyncio.sleep(_HANGS_SECONDS)
        elif status < 300:
            self.accepted.add(webhook_id)
        return web.Response(status=status)


@asynccontextmanager
async def subscriber(answer: Answer = lambda _id, _times: 204) -> AsyncIterator[Subscriber]:
    """Listen on a free port of loopback for the block."""
    told = Subscriber(answer)
    async with serving("/hook", told.take) as origin:
        told.url = f"{origin}/hook"
        yield told
