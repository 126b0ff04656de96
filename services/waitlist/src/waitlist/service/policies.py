"""Use cases on policies.

Invariant: a policy is of a location or of a service with event instances, which is there when it is set or asked for.
Whoever was answered that it is set knows that who waits there is looked at anew, and if it changed, that they may be
offered once more what they let pass; whoever was not sets it again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from chassis.clock import Clock
from chassis.postgres import Connection, Database
from waitlist.client.booking import BookingClient
from waitlist.domain.actors import Actor
from waitlist.domain.errors import NotFoundError
from waitlist.domain.joining import Told
from waitlist.domain.policy import DEFAULTS, PlaceKind, Policy
from waitlist.service.reopening import reopen
from waitlist.store import policies, queues


@dataclass(frozen=True)
class PolicyOf:
    """A place and its policy."""

    place_id: str
    kind: PlaceKind
    policy: Policy


class Policies:
    """How places offer what falls free."""

    def __init__(self, database: Database, booking: BookingClient, clock: Clock) -> None:
        self._database = database
        self._booking = booking
        self._clock = clock

    async def get(self, actor: Actor, place_id: str) -> PolicyOf:
        """Read the policy of a place: what was set, or else the default.

        Raises:
            NotFoundError: the organization has no such location or service.
            UnavailableError: booking does not answer.
        """
        kind = await self._kind(actor, place_id)
        async with self._database.connection() as conn:
            return PolicyOf(place_id, kind, await _read(conn, actor.org_id, place_id, kind))

    async def put(self, actor: Actor, place_id: str, given: Mapping[str, Any]) -> PolicyOf:
        """Set the policy of a place; what is not given is as by default.

        What is offered under the policy of before, and let pass while this goes on, is reopened too: the policy is
        there before anything is reopened.

        Raises:
            NotFoundError: as `get` says.
            UnavailableError: booking does not answer; the policy may be set, and is to be set again.
        """
        kind = await self._kind(actor, place_id)
        policy = replace(DEFAULTS[kind], **given)
        async with self._database.connection() as conn:
            change = await policies.put(conn, actor.org_id, place_id, policy, by_default=DEFAULTS[kind])
        waited_in = await self._queues(actor.org_id, place_id, kind)
        if change is not None:
            await reopen(self._database, actor.org_id, waited_in)
        async with self._database.transaction() as conn:
            await queues.mark_live(conn, actor.org_id, waited_in)
            if change is not None:
                await policies.reopened(conn, actor.org_id, place_id, change)
        return PolicyOf(place_id, kind, policy)

    async def _queues(self, org_id: str, place_id: str, kind: PlaceKind) -> list[str]:
        """Find the queues of a place in which somebody waits; whose an event instance is, booking knows alone."""
        async with self._database.connection() as conn:
            if kind is PlaceKind.LOCATION:
                return await queues.of_location(conn, org_id, place_id)
            found = await queues.of_instances(conn, org_id)
        theirs = await self._booking.instances_of(org_id, place_id, self._clock()) if found else frozenset()
        return [queue for queue in found if queue in theirs]

    async def _kind(self, actor: Actor, place_id: str) -> PlaceKind:
        if await self._booking.location(actor.org_id, place_id) is not None:
            return PlaceKind.LOCATION
        if await self._booking.has_service(actor.org_id, place_id):
            return PlaceKind.SERVICE
        raise NotFoundError("there is no such location, nor a service with event instances")


async def policy_for(conn: Connection, org_id: str, told: Told) -> Policy:
    """Read the policy for what an entry is to wait for; the default where that is not there."""
    if told.instance is not None:
        return await _read(conn, org_id, told.instance.service_id, PlaceKind.SERVICE)
    if told.location is not None:
        return await _read(conn, org_id, told.location.id, PlaceKind.LOCATION)
    return DEFAULTS[PlaceKind.LOCATION]


async def _read(conn: Connection, org_id: str, place_id: str, kind: PlaceKind) -> Policy:
    return await policies.fetch(conn, org_id, place_id) or DEFAULTS[kind]
