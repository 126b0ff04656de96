"""Routes of event instances (seed 002's family).

Invariant: staff make and change instances; client keys see them, and of the registrations their own.
"""

from dataclasses import dataclass

from booking.api import instance_models as models
from booking.api.bookings import MANAGE as MANAGE_BOOKINGS
from booking.api.bookings import READ as READ_BOOKINGS
from booking.api.bookings import origin_of
from booking.api.fields import actor_of
from booking.api.parts import Part, PartQuery, part_of
from booking.api.reference import MANAGE, READ
from booking.domain.booking import Booking
from booking.domain.instances import EventInstance
from booking.domain.listing import Found
from booking.service.instances import Cancellation, EventInstances
from booking.service.snapshots import snapshot
from chassis.web import Call, Data, Route
from slotwire_contracts import Reservation

PATH = "/v2/event_instances"
_ONE = f"{PATH}/{{id}}"


@dataclass(frozen=True)
class Handlers:
    """The operations of event instances."""

    instances: EventInstances

    async def page(self, call: Call) -> Found[EventInstance]:
        """Answer a page of instances."""
        query: models.InstanceQuery = call.query
        return await self.instances.page(actor_of(call.caller), query.filter, query.part)

    async def get(self, call: Call) -> EventInstance:
        """Answer one instance."""
        return await self.instances.get(actor_of(call.caller), call.path["id"])

    async def create(self, call: Call) -> EventInstance:
        """Make an instance."""
        body: models.InstanceBody = call.body
        return await self.instances.create(actor_of(call.caller), body.new_instance(), call.once)

    async def change(self, call: Call) -> EventInstance:
        """Change an instance."""
        body: models.ChangedInstance = call.body
        return await self.instances.change(actor_of(call.caller), call.path["id"], body.changes(), origin_of(call))

    async def cancel(self, call: Call) -> Cancellation:
        """Cancel an instance."""
        body: models.CancelBody = call.body
        actor = actor_of(call.caller)
        return await self.instances.cancel(actor, call.path["id"], body.reason, origin_of(call), call.once)

    async def delete(self, call: Call) -> EventInstance:
        """Delete an instance."""
        return await self.instances.delete(actor_of(call.caller), call.path["id"], origin_of(call))

    async def register(self, call: Call) -> Booking:
        """Register for an instance."""
        body: models.RegistrationBody = call.body
        instance_id = call.path["id"]
        return await self.instances.register(
            actor_of(call.caller), instance_id, body.new_booking(instance_id), origin_of(call), call.once
        )

    async def registrations(self, call: Call) -> Found[Booking]:
        """Answer a page of an instance's registrations."""
        query: PartQuery = call.query
        return await self.instances.registrations(actor_of(call.caller), call.path["id"], query.part)


def routes(instances: EventInstances) -> list[Route]:
    """List the operations."""
    handlers = Handlers(instances)
    return [
        Route(
            "GET",
            PATH,
            handlers.page,
            scope=READ,
            summary="List event instances",
            answer=Part[models.Instance],
            render=_show_page,
            query=models.InstanceQuery,
        ),
        Route(
            "POST",
            PATH,
            handlers.create,
            scope=MANAGE,
            summary="Make an event instance",
            answer=Data[models.Instance],
            render=_show,
            body=models.InstanceBody,
            status=201,
            staff_only=True,
        ),
        Route(
            "GET",
            _ONE,
            handlers.get,
            scope=READ,
            summary="Read an event instance",
            answer=Data[models.Instance],
            render=_show,
        ),
        Route(
            "PATCH",
            _ONE,
            handlers.change,
            scope=MANAGE,
            summary="Change an event instance; its registrations move with it",
            answer=Data[models.Instance],
            render=_show,
            body=models.ChangedInstance,
            staff_only=True,
        ),
        Route(
            "DELETE",
            _ONE,
            handlers.delete,
            scope=MANAGE,
            summary="Delete an event instance that no booking uses",
            answer=Data[models.DeletedInstance],
            render=_show_deleted,
            errors=("in_use",),
            staff_only=True,
        ),
        Route(
            "POST",
            f"{_ONE}/cancel",
            handlers.cancel,
            scope=MANAGE,
            summary="Cancel an event instance with its registrations",
            answer=Data[models.CancelledInstance],
            render=_show_cancelled,
            body=models.CancelBody,
            staff_only=True,
        ),
        Route(
            "POST",
            f"{_ONE}/registrations",
            handlers.register,
            scope=MANAGE_BOOKINGS,
            summary="Register for an event instance",
            answer=Data[Reservation],
            render=_show_registration,
            body=models.RegistrationBody,
            status=201,
            errors=("slot_unavailable", "already_booked"),
        ),
        Route(
            "GET",
            f"{_ONE}/registrations",
            handlers.registrations,
            scope=READ_BOOKINGS,
            summary="List an event instance's registrations",
            answer=Part[Reservation],
            render=_show_registrations,
            query=PartQuery,
        ),
    ]


def _show(instance: EventInstance) -> Data[models.Instance]:
    return Data(data=models.Instance.of(instance))


def _show_page(found: Found[EventInstance]) -> Part[models.Instance]:
    return part_of(found, models.Instance.of)


def _show_cancelled(cancellation: Cancellation) -> Data[models.CancelledInstance]:
    instance = models.CancelledInstance.of(cancellation.instance, cancelled_registrations=cancellation.registrations)
    return Data(data=instance)


def _show_deleted(instance: EventInstance) -> Data[models.DeletedInstance]:
    return Data(data=models.DeletedInstance(uid=instance.id))


def _show_registration(booking: Booking) -> Data[Reservation]:
    return Data(data=snapshot(booking))


def _show_registrations(found: Found[Booking]) -> Part[Reservation]:
    return part_of(found, snapshot)
