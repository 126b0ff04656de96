"""Routes of reference data.

Invariant: what tells one kind's routes from another's stands here and nowhere else, but for the services' shape.
"""

from typing import Any

from booking.api.bookings import MANAGE as MANAGE_BOOKINGS
from booking.api.bookings import READ as READ_BOOKINGS
from booking.api.fields import PageQuery
from booking.api.reference import services
from booking.api.reference.collection import MANAGE, READ, Collection
from booking.api.reference_models import clients, places, schedules
from booking.api.reference_models.fields import OfLocation, OfSchedule
from booking.domain.reference import CLIENTS, EVENT_TYPES, LOCATIONS, SCHEDULES, SECTIONS, TABLES
from booking.service.reference import ReferenceData
from chassis.web import Data, Listing, Route

__all__ = ["MANAGE", "READ", "routes"]


def routes(data: ReferenceData) -> list[Route]:
    """List the operations of every kind."""
    collections: tuple[Collection[Any], ...] = (
        Collection(
            kind=LOCATIONS,
            path="/api/v1/locations",
            new=places.NewLocation,
            changed=places.ChangedLocation,
            query=PageQuery,
            shown=places.Location,
            one=Data[places.Location],
            several=Listing[places.Location],
            data=data,
        ),
        Collection(
            kind=SECTIONS,
            path="/api/v1/sections",
            new=places.NewSection,
            changed=places.ChangedSection,
            query=OfLocation,
            shown=places.Section,
            one=Data[places.Section],
            several=Listing[places.Section],
            data=data,
        ),
        Collection(
            kind=TABLES,
            path="/api/v1/tables",
            new=places.NewTable,
            changed=places.ChangedTable,
            query=OfLocation,
            shown=places.Table,
            one=Data[places.Table],
            several=Listing[places.Table],
            data=data,
        ),
        Collection(
            kind=SCHEDULES,
            path="/api/v1/schedules",
            new=schedules.NewSchedule,
            changed=schedules.ChangedSchedule,
            query=PageQuery,
            shown=schedules.Schedule,
            one=Data[schedules.Schedule],
            several=Listing[schedules.Schedule],
            data=data,
        ),
        Collection(
            kind=EVENT_TYPES,
            path="/api/v1/event-types",
            new=schedules.NewEventType,
            changed=schedules.ChangedEventType,
            query=OfSchedule,
            shown=schedules.EventType,
            one=Data[schedules.EventType],
            several=Listing[schedules.EventType],
            data=data,
        ),
        Collection(
            kind=CLIENTS,
            path="/api/v1/clients",
            new=clients.NewClient,
            changed=clients.ChangedClient,
            query=clients.ClientQuery,
            shown=clients.Client,
            one=Data[clients.Client],
            several=Listing[clients.Client],
            read=READ_BOOKINGS,
            manage=MANAGE_BOOKINGS,
            data=data,
        ),
        services.collection(data),
    )
    return [route for collection in collections for route in collection.routes()]
