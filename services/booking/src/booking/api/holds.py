"""Routes of holds.

Invariant: a hold asks for a place and a time as a booking does, field by field.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from booking.api.bookings import MANAGE, origin_of
from booking.api.fields import actor_of
from booking.api.visit_models import VisitBody
from booking.domain import holds
from booking.service.holds import Holds
from booking.service.snapshots import hold_snapshot
from chassis.web import Call, Data, Output, Route
from slotwire_contracts import Hold

PATH = "/api/v1/holds"


class HoldBody(VisitBody):
    """A hold to make: of a schedule, of a location's tables, of both, or of an event instance's spots."""

    ttl_minutes: Annotated[
        int,
        Field(
            ge=1,
            le=holds.LONGEST_SERVICE_MINUTES,
            description=f"At most {holds.LONGEST_MINUTES}; for a service's key {holds.LONGEST_SERVICE_MINUTES}.",
        ),
    ] = 10


class Released(Output):
    """What a released hold is answered with."""

    id: str
    released: bool


@dataclass(frozen=True)
class Handlers:
    """The two operations."""

    use_cases: Holds

    async def create(self, call: Call) -> holds.Hold:
        """Make a hold."""
        body: HoldBody = call.body
        return await self.use_cases.create(actor_of(call.caller), body.given, body.ttl_minutes, call.once)

    async def release(self, call: Call) -> holds.Hold:
        """Release a hold."""
        return await self.use_cases.release(actor_of(call.caller), call.path["id"], origin_of(call))


def routes(use_cases: Holds) -> list[Route]:
    """List the operations."""
    handlers = Handlers(use_cases)
    return [
        Route(
            "POST",
            PATH,
            handlers.create,
            scope=MANAGE,
            summary="Hold a time, tables or spots for some minutes",
            answer=Data[Hold],
            render=_show,
            body=HoldBody,
            status=201,
            errors=("slot_unavailable", "outside_availability"),
        ),
        Route(
            "DELETE",
            f"{PATH}/{{id}}",
            handlers.release,
            scope=MANAGE,
            summary="Release a hold",
            answer=Data[Released],
            render=_show_released,
        ),
    ]


def _show(hold: holds.Hold) -> Data[Hold]:
    return Data(data=hold_snapshot(hold))


def _show_released(hold: holds.Hold) -> Data[Released]:
    return Data(data=Released(id=hold.id, released=True))
