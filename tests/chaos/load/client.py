"""A client of an organization, as a careful one is: it gives up on a silent server, and asks again with the same key.

Invariant: every try is written down; a change that was not answered is tried again under the same idempotency key.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import aiohttp

from chaos.evidence import Answer
from chaos.journal import Journal
from chassis.clock import utc_now
from chassis.lifecycle import Stop
from devstack.gateway import route
from support.system import Tenant

_AGAIN = frozenset({429, 500, 502, 503, 504})
_PAUSE_SECONDS = (0.1, 0.6)
_SILENT = (aiohttp.ClientError, TimeoutError, OSError)


@dataclass(frozen=True)
class Client:
    """One client.

    Attributes:
        doors: where each service is found.
        over: set when the run is; a client does not try again then.
        patience: seconds after which it gives up on a server.
    """

    tenant: Tenant
    doors: Mapping[str, str]
    http: aiohttp.ClientSession
    journal: Journal
    random: Random
    over: Stop
    patience: float = 5.0

    async def get(self, path: str) -> Answer:
        """Look once."""
        return await self._ask("GET", path, None, None)

    async def change(self, method: str, path: str, body: Any = None, *, tries: int = 12) -> Answer:
        """Have something changed, and try again until it is told what became of it; answers the last try."""
        key = f"{self.random.getrandbits(96):024x}" if method == "POST" else None
        answer = await self._ask(method, path, body, key)
        while _is_open(answer) and tries > 1 and not await self.over.wait(self.random.uniform(*_PAUSE_SECONDS)):
            answer, tries = await self._ask(method, path, body, key), tries - 1
        return answer

    async def insist(self, method: str, path: str, body: Any = None) -> Any:
        """Have something done that the run cannot go on without; answers the data.

        Raises:
            RuntimeError: it was refused, or not done within two minutes.
        """
        key = f"{self.random.getrandbits(96):024x}" if method == "POST" else None
        async with asyncio.timeout(120):
            while _is_open(answer := await self._ask(method, path, body, key)):
                await asyncio.sleep(self.random.uniform(*_PAUSE_SECONDS))
        if answer.status is None or answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.told}")
        return answer.told.get("data", answer.told)

    async def _ask(self, method: str, path: str, body: Any, key: str | None) -> Answer:
        headers = self.tenant.headers | ({"Idempotency-Key": key} if key else {})
        timeout, url = aiohttp.ClientTimeout(total=self.patience), self._door(path) + path
        sent_at, status, told = utc_now(), None, None
        try:
            async with self.http.request(method, url, json=body, headers=headers, timeout=timeout) as answer:
                content = await answer.read()
                status, told = answer.status, _read(content)
        except _SILENT:
            status = None
        done = Answer(self.tenant.org_id, method, path, body, sent_at, utc_now(), status, told, key)
        self.journal.answers.append(done)
        return done

    def _door(self, path: str) -> str:
        target = route(path, self.doors)
        assert target is not None
        return self.doors[target.service.replace("-", "_")]


@dataclass(frozen=True)
class Clients:
    """Makes the clients of a run, each with a chance of its own that follows from the seed."""

    seed: int
    doors: Mapping[str, str]
    http: aiohttp.ClientSession
    journal: Journal
    over: Stop

    def of(self, tenant: Tenant, name: str) -> Client:
        """Make one of an organization; no other has its name."""
        random = Random(f"{self.seed} {name}")
        return Client(tenant, self.doors, self.http, self.journal, random, self.over)


def _is_open(answer: Answer) -> bool:
    """Tell whether a client does not know what became of a change."""
    if answer.status == 409 and isinstance(answer.told, Mapping):
        return bool(answer.told.get("error", {}).get("code") == "idempotency_in_progress")
    return answer.status is None or answer.status in _AGAIN


def _read(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None
