"""The route of an endpoint's health (api.md section 4).

Invariant: it only reads; of an endpoint that was never tried it shows zeros and nulls.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from chassis.web import Call, Data, Output, Route
from webhook_dispatcher.api.models import READ, SUBSCRIPTIONS, Instant
from webhook_dispatcher.domain.health import Health, Tally
from webhook_dispatcher.service.health import EndpointHealth


class Latencies(Output):
    """Milliseconds that so many percent of the attempts took at most, to within a tenth; null without attempts."""

    p50: int | None
    p95: int | None
    p99: int | None


class ShownTally(Output):
    """The attempts of some minutes, the one that runs now among them."""

    attempts: int
    successes: int
    success_rate: Annotated[float, Field(ge=0, le=1)] | None
    latency_ms: Latencies


class ShownHealth(Output):
    """How an endpoint fares, some seconds ago."""

    failing_since: Annotated[
        Instant | None, Field(description="When the first attempt failed after which none succeeded.")
    ]
    last_success_at: Instant | None
    last_attempt_at: Instant | None
    last_5_minutes: ShownTally
    last_hour: ShownTally


@dataclass(frozen=True)
class Handlers:
    """The operations."""

    health: EndpointHealth

    async def get(self, call: Call) -> Health:
        """Tell how a subscription's endpoint fares."""
        return await self.health.get(call.caller.org_id, call.path["id"])


def routes(health: EndpointHealth) -> list[Route]:
    """List the operations on health."""
    return [
        Route(
            "GET",
            f"{SUBSCRIPTIONS}/{{id}}/health",
            Handlers(health).get,
            scope=READ,
            summary="Tell how a subscription's endpoint fares",
            answer=Data[ShownHealth],
            render=_show,
            errors=("not_found",),
        )
    ]


def _show(found: Health) -> Data[ShownHealth]:
    return Data(
        data=ShownHealth(
            failing_since=found.standing.failing_since,
            last_success_at=found.standing.last_success_at,
            last_attempt_at=found.standing.last_attempt_at,
            last_5_minutes=_tally(found.five_minutes),
            last_hour=_tally(found.hour),
        )
    )


def _tally(found: Tally) -> ShownTally:
    return ShownTally(
        attempts=found.attempts,
        successes=found.successes,
        success_rate=None if found.success_rate is None else round(found.success_rate, 4),
        latency_ms=Latencies(p50=found.percentile(0.5), p95=found.percentile(0.95), p99=found.percentile(0.99)),
    )
