"""Routes of policies: how a place offers what falls free.

Invariant: staff alone see and set them.
"""

from dataclasses import dataclass
from datetime import time
from typing import Annotated, Any, Self

from pydantic import Field

from chassis.web import Call, Route
from waitlist.api.entries import PATH
from waitlist.api.fields import MANAGE, READ, Body, CamelOutput, Success, TimeOfDay, actor_of
from waitlist.domain.policy import MAX_CUTOFF_MINUTES, MAX_OFFER_MINUTES, AfterExpiry, PlaceKind, QuietHours, Way
from waitlist.service.policies import Policies, PolicyOf

_ONE = f"{PATH}/policies/{{id}}"


class Hours(Body):
    """A stretch of every day in local time; an end that is not after the start lies on the next day."""

    start: Annotated[TimeOfDay, Field(alias="from")]
    end: Annotated[TimeOfDay, Field(alias="to")]


class PolicyBody(Body):
    """A policy; what is left out is as by default.

    `offerMinutes` are 15 for tables and 240 for event instances by default. An offer's time stands still in
    `quietHours`, and never runs past `cutoffMinutes` before the start.
    """

    policy: Way = Way.OFFER_ONE
    strict_order: bool = False
    offer_minutes: Annotated[int, Field(ge=1, le=MAX_OFFER_MINUTES)] | None = None
    cutoff_minutes: Annotated[int, Field(ge=0, le=MAX_CUTOFF_MINUTES)] = 0
    quiet_hours: Hours | None = None
    after_expiry: AfterExpiry = AfterExpiry.STAY
    max_entries: Annotated[int, Field(ge=1, le=1_000_000)] | None = None

    def given(self) -> dict[str, Any]:
        """Tell the use case what is set."""
        hours = self.quiet_hours
        told = {
            "way": self.policy,
            "strict_order": self.strict_order,
            "cutoff_minutes": self.cutoff_minutes,
            "quiet_hours": None if hours is None else QuietHours(hours.start, hours.end),
            "after_expiry": self.after_expiry,
            "max_entries": self.max_entries,
        }
        return told if self.offer_minutes is None else {**told, "offer_minutes": self.offer_minutes}


class ShownHours(CamelOutput):
    """A stretch of every day in local time."""

    start: str = Field(alias="from")
    end: str = Field(alias="to")


class ShownPolicy(CamelOutput):
    """The policy of a location or a service."""

    id: str
    kind: PlaceKind
    policy: Way
    strict_order: bool
    offer_minutes: int
    cutoff_minutes: int
    quiet_hours: ShownHours | None
    after_expiry: AfterExpiry
    max_entries: int | None

    @classmethod
    def of(cls, found: PolicyOf) -> Self:
        """Show a policy."""
        policy, quiet = found.policy, found.policy.quiet_hours
        return cls(
            id=found.place_id,
            kind=found.kind,
            policy=policy.way,
            strict_order=policy.strict_order,
            offer_minutes=policy.offer_minutes,
            cutoff_minutes=policy.cutoff_minutes,
            quiet_hours=None if quiet is None else ShownHours(start=_wall(quiet.start), end=_wall(quiet.end)),
            after_expiry=policy.after_expiry,
            max_entries=policy.max_entries,
        )


@dataclass(frozen=True)
class Handlers:
    """The operations on policies."""

    policies: Policies

    async def get(self, call: Call) -> PolicyOf:
        """Answer the policy of a place."""
        return await self.policies.get(actor_of(call.caller), call.path["id"])

    async def put(self, call: Call) -> PolicyOf:
        """Set the policy of a place."""
        body: PolicyBody = call.body
        return await self.policies.put(actor_of(call.caller), call.path["id"], body.given())


def routes(policies: Policies) -> list[Route]:
    """List the operations."""
    handlers = Handlers(policies)
    shown: dict[str, Any] = {"answer": Success[ShownPolicy], "render": _show, "staff_only": True}
    return [
        Route("GET", _ONE, handlers.get, scope=READ, summary="Read the policy of a location or a service", **shown),
        Route(
            "PUT",
            _ONE,
            handlers.put,
            scope=MANAGE,
            summary="Set the policy of a location or a service",
            body=PolicyBody,
            **shown,
        ),
    ]


def _show(found: PolicyOf) -> Success[ShownPolicy]:
    return Success(data=ShownPolicy.of(found))


def _wall(wall: time) -> str:
    return wall.isoformat("minutes")
