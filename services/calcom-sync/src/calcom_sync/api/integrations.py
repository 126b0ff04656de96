"""Routes of the integration: whether and how an organization's bookings are read at Cal.com.

Invariant: admin keys alone see and set it.
"""

from dataclasses import dataclass
from typing import Any

from calcom_sync.api.integration_models import IntegrationBody, SetIntegration, ShownIntegration
from calcom_sync.domain.integration import Integration
from calcom_sync.service.integrations import Integrations, Saved
from chassis.web import Call, Data, Output, Route

PATH = "/api/v1/integrations/calcom"
SCOPE = "calcom.sync"


class Deleted(Output):
    """What is gone."""

    deleted: bool = True


@dataclass(frozen=True)
class Handlers:
    """The operations."""

    integrations: Integrations

    async def get(self, call: Call) -> Integration:
        """Read it."""
        return await self.integrations.get(call.caller.org_id)

    async def put(self, call: Call) -> Saved:
        """Set it."""
        return await self.integrations.put(call.caller.org_id, call.body.wanted)

    async def delete(self, call: Call) -> None:
        """Delete it."""
        await self.integrations.delete(call.caller.org_id)


def routes(integrations: Integrations) -> list[Route]:
    """List the operations."""
    handlers = Handlers(integrations)
    held: dict[str, Any] = {"scope": SCOPE, "admin_only": True}
    return [
        Route(
            "GET",
            PATH,
            handlers.get,
            summary="Read the integration with Cal.com",
            answer=Data[ShownIntegration],
            render=lambda one: Data(data=ShownIntegration.of(one)),
            errors=("not_found",),
            **held,
        ),
        Route(
            "PUT",
            PATH,
            handlers.put,
            summary="Set the integration with Cal.com; the answer shows the webhooks' secret where it was made",
            answer=Data[SetIntegration],
            render=lambda done: Data(data=SetIntegration.of_set(done)),
            body=IntegrationBody,
            **held,
        ),
        Route(
            "DELETE",
            PATH,
            handlers.delete,
            summary="Delete the integration with Cal.com; the bookings that it brought stay",
            answer=Data[Deleted],
            render=lambda _: Data(data=Deleted()),
            errors=("not_found",),
            **held,
        ),
    ]
