"""The reference of deliveries: an aiohttp client that signs and posts bodies, and keeps nothing.

The bodies are those that the dispatcher makes of the same events, made before the clock starts. Invariant: it has as
many connections as the dispatcher may use for the same endpoints.
"""

import asyncio
import base64
import hmac
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import uvloop
from aiohttp import ClientSession, DummyCookieJar, TCPConnector

from bench.child import quiet_collector, spec_of, tell
from chassis.ids import new_id
from webhook_dispatcher.domain.envelope import body_of
from webhook_dispatcher.service.composition import compose


@dataclass(frozen=True)
class Spec:
    """What to post where; `events` is a file with the JSON of an event on each line."""

    url: str
    events: str
    connections: int


@dataclass(frozen=True)
class Result:
    """How long it took from the first request to the last answer, in seconds."""

    seconds: float


async def main(spec: Spec) -> Result:
    """Post all bodies."""
    bodies = iter(_bodies(Path(spec.events)))
    connector = TCPConnector(limit=spec.connections)
    async with ClientSession(connector=connector, cookie_jar=DummyCookieJar()) as session:
        quiet_collector()
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(spec.connections):
                group.create_task(_post(session, spec.url, bodies))
        return Result(time.perf_counter() - began)


def _bodies(events: Path) -> list[tuple[str, bytes]]:
    ids_and_events = ((new_id("dlv"), event) for event in events.read_bytes().splitlines())
    return [(delivery_id, body_of(delivery_id, compose(event).tail)) for delivery_id, event in ids_and_events]


async def _post(session: ClientSession, url: str, bodies: Iterator[tuple[str, bytes]]) -> None:
    key = secrets.token_bytes(32)
    for delivery_id, body in bodies:
        now = str(int(time.time()))
        digest = hmac.digest(key, f"{delivery_id}.{now}.".encode() + body, "sha256")
        headers = {
            "content-type": "application/json",
            "webhook-id": delivery_id,
            "webhook-timestamp": now,
            "webhook-signature": "v1," + base64.b64encode(digest).decode(),
        }
        async with session.post(url, data=body, headers=headers) as response:
            await response.read()


if __name__ == "__main__":
    tell(uvloop.run(main(spec_of(Spec))))
