"""The load of the whole journey at another system: requests are posted to it, and its webhooks come back to us.

Invariant: all markers of a run are its own, so that a webhook of an earlier run is nobody's.
"""

import asyncio
import json
import secrets
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from bench import child
from bench.load import CostMeter
from bench.measures.taken import Post, Taken, is_taken, taken
from bench.other_system import OtherSystem, Request
from bench.plan import Plan
from bench.programs import marked_receiver, poster
from bench.stack import until

_LOOK_SECONDS = 0.05


async def measure(system: OtherSystem, plan: Plan) -> list[Taken]:
    """Wait until webhooks come, then measure one rate after the other, and saturation last.

    Raises:
        ChildError: no webhook comes, or our receiver cannot be where they are sent to.
    """
    with TemporaryDirectory(prefix="slotwire-bench-") as folder:
        async with aiohttp.ClientSession() as http, _receiver(system, http, Path(folder) / "receiver.log"):
            other = _Other(system, plan, http, Path(folder) / "poster.log")
            if system.subscribe is not None:
                await other.subscribe(system.subscribe)
            await other.until_webhooks_come()
            rates = [await other.take(rate) for rate in sorted({*plan.journey_rates, plan.rate})]
            return [*rates, await other.take(None)]


@asynccontextmanager
async def _receiver(system: OtherSystem, http: aiohttp.ClientSession, log: Path) -> AsyncIterator[None]:
    webhook = system.webhook
    try:
        socket.create_server((webhook.host, webhook.port)).close()
    except OSError as error:
        raise child.ChildError(f"nothing can listen at {webhook.url}: {error}") from error
    spec = marked_receiver.Spec(webhook.host, webhook.port, webhook.marker)

    async def answers() -> bool:
        try:
            async with http.get(f"{webhook.origin}/bench/count?load=none") as answer:
                return answer.ok
        except aiohttp.ClientError:
            return False

    async with child.running("bench.programs.marked_receiver", json.dumps(asdict(spec)), log=log):
        await until(answers)
        yield


@dataclass
class _Other:
    """A system whose webhooks come to our receiver.

    Attributes:
        run: by which its markers are told from those of other runs.
        following: the number of the next request.
        loads: how many loads there were.
    """

    system: OtherSystem
    plan: Plan
    http: aiohttp.ClientSession
    log: Path
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    following: int = 0
    loads: int = 0

    async def subscribe(self, request: Request) -> None:
        """Post what has webhooks sent to us."""
        headers, body = request.filled({"receiver": self.system.webhook.url})
        async with self.http.post(request.url, headers=headers, data=body, allow_redirects=False) as answer:
            if not is_taken(answer.status):
                raise child.ChildError(f"{request.url} was answered {answer.status}: {await answer.text()}")

    async def until_webhooks_come(self) -> None:
        """Post now and then until one arrives."""
        load, ends = self._next_load(), time.monotonic() + self.plan.other_probing_seconds
        while time.monotonic() < ends:
            posted = await self._post(load, seconds=0.0, rate=1.0)
            if (came := await self._came(load, len(posted)))["came"]:
                return
        statuses = sorted({status for *_, status in posted})
        raise child.ChildError(
            f"no webhook with our marker came to {self.system.webhook.url}; {came['unmarked']} came without one, and "
            f"the last POST was answered {statuses}"
        )

    async def take(self, rate: float | None) -> Taken:
        """Post at a rate, or as fast as requests are answered, and wait for the webhooks."""
        plan, load, meter = self.plan, self._next_load(), CostMeter(self.system.processes)
        seconds = plan.journey_seconds if rate is None else plan.load_skipped_seconds + plan.load_seconds
        posted = await self._post(load, seconds=seconds, rate=rate)
        await self._came(load, sum(is_taken(status) for *_, status in posted))
        arrivals = await self._ask("arrivals", load)
        skipped = int((rate or 0.0) * plan.load_skipped_seconds)
        return taken(rate, load, posted[skipped:], arrivals, meter.cost(max(1, len(arrivals))))

    def _next_load(self) -> str:
        self.loads += 1
        return f"bench-{self.run}-{self.loads}"

    async def _post(self, load: str, *, seconds: float, rate: float | None) -> list[Post]:
        """Post for some seconds, once at least; answers what was posted, in the order of its falling due."""
        spec = poster.Spec(
            request=self.system.post.model_dump(),
            load=load,
            first=self.following,
            connections=self.plan.connections,
            seconds=seconds,
            rate=rate,
        )
        result = await child.measured("bench.programs.poster", spec, poster.Result, log=self.log)
        self.following = result.following
        return sorted((number, due, answered, status) for number, due, answered, status in result.posts)

    async def _came(self, load: str, count: int) -> dict[str, int]:
        """Wait until so many different ones have, or none has for a while; answers how many have."""
        came, changed = await self._ask("count", load), time.monotonic()
        while came["came"] < count and time.monotonic() < changed + self.plan.other_patience_seconds:
            await asyncio.sleep(_LOOK_SECONDS)
            before, came = came, await self._ask("count", load)
            changed = time.monotonic() if came["came"] > before["came"] else changed
        return came

    async def _ask(self, what: str, load: str) -> dict[str, Any]:
        async with self.http.get(f"{self.system.webhook.origin}/bench/{what}?load={load}") as answer:
            told: dict[str, Any] = await answer.json()
            return told
