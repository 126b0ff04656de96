"""Waiting until the system has come to rest: nothing is left to publish, to read, to send or to match.

Invariant: it looks from outside, at what the stores and the broker hold and whether each part does its work; it is at
rest when all of it is, twice in a row, since one part may hand over to another while it looks.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from urllib.parse import urlsplit

import asyncpg

from chaos.groups import GROUPS
from chaos.parts import Part
from chaos.stage import Stage
from chaos.wiring import COUNTS
from chassis.kafka import KafkaError, LogReader
from devstack.servers import EmbeddedServers

SECONDS = 90.0
"""How long it may take."""

_LOOK_SECONDS = 0.5
_EVER = 2**53  # milliseconds since 1970
_OUTBOX = "SELECT count(*) FROM outbox"
_LEFT: Mapping[str, Mapping[str, str]] = {
    **{service: {"outbox": _OUTBOX} for service in COUNTS},
    "webhook_dispatcher": {
        "outbox": _OUTBOX,
        "deliveries pending": "SELECT count(*) FROM deliveries WHERE state = 'pending'",
        "replays": "SELECT count(*) FROM replays WHERE state = 'running'",
    },
    "waitlist": {
        "outbox": _OUTBOX,
        "queues due": "SELECT count(*) FROM queues WHERE due_at <= now() OR held_by IS NOT NULL",
        "offers asked for": "SELECT count(*) FROM offers WHERE state = 'requested'",
        "offers past": "SELECT count(*) FROM offers WHERE state = 'live' AND expires_at <= now()",
        "conversions": "SELECT count(*) FROM conversions",
    },
    "calcom_sync": {
        "outbox": _OUTBOX,
        "runs": "SELECT count(*) FROM runs WHERE state IN ('queued', 'running')",
        "answers": "SELECT count(*) FROM run_items WHERE outcome IS NULL",
    },
}


async def settle(stage: Stage, within: float = SECONDS) -> Mapping[str, int]:
    """Wait until all is at rest and well; answers what was left in the end, nothing if it is."""
    left: Mapping[str, int] = {"all": 1}
    try:
        async with asyncio.timeout(within):
            rests = 0
            while rests < 2:
                left = await unwell(stage.parts.values()) or await _left(stage.servers)
                rests = 0 if left else rests + 1
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        return left
    return {}


async def unwell(parts: Iterable[Part]) -> Mapping[str, int]:
    """Tell which parts do not do their work: others may do it for them, so that nothing is left of it."""
    return {f"{part.name}: not well": 1 for part in parts if not await part.is_well()}


async def _left(servers: EmbeddedServers) -> Mapping[str, int]:
    """Tell how much is left of what, by name; of what is to be read only when nothing else is."""
    try:
        found = {
            f"{service}: {name}": count
            for service, questions in _LEFT.items()
            async for name, count in _counts(servers.postgres_url, service, questions)
        }
        return found or await _lags(servers.kafka_bootstrap)
    except (KafkaError, OSError, asyncpg.PostgresError) as error:
        return {repr(error): 1}


async def _counts(url: str, database: str, questions: Mapping[str, str]) -> AsyncIterator[tuple[str, int]]:
    conn = await asyncpg.connect(urlsplit(url)._replace(path=f"/{database}").geturl())
    try:
        for name, question in questions.items():
            if count := await conn.fetchval(question):
                yield name, count
    finally:
        await conn.close()


async def _lags(bootstrap: str) -> dict[str, int]:
    """Tell how many records each group has yet to be done with."""
    async with LogReader.connected(bootstrap) as log:
        lags = {
            f"{group}: {one.topic}/{one.partition}": one.end - await log.committed(group, one.topic, one.partition)
            for group, topics in GROUPS.items()
            for one in await log.stretches(topics, 0, _EVER)
            if one.end
        }
    return {name: lag for name, lag in lags.items() if lag}
