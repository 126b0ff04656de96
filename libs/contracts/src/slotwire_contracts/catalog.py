"""The catalog: every type of event, on which topic it travels, and whether integrators are told of it.

Invariant: a type stands here exactly once, and `decode` knows exactly the types that stand here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, get_args

from pydantic import Field

from slotwire_contracts import calcom_events as calcom
from slotwire_contracts import event_instance as instances
from slotwire_contracts import location as locations
from slotwire_contracts import reservation_events as reservations
from slotwire_contracts import table as tables
from slotwire_contracts import waitlist_events as waitlist
from slotwire_contracts import webhook_subscription as webhooks
from slotwire_contracts.envelope import schema_uri
from slotwire_contracts.hold import HoldReleased
from slotwire_contracts.topics import (
    BOOKING_EVENTS,
    CALCOM_BOOKINGS,
    CALCOM_RESULTS,
    TOPICS,
    WAITLIST_EVENTS,
    WEBHOOK_EVENTS,
    Topic,
)

__all__ = ["CATALOG", "CatalogEntry", "CatalogEvent", "is_known", "public_topics", "public_types"]

CatalogEvent = Annotated[
    reservations.ReservationEvent
    | HoldReleased
    | instances.EventInstanceEvent
    | locations.LocationEvent
    | tables.TableEvent
    | waitlist.WaitlistEntryEvent
    | webhooks.WebhookSubscriptionDisabled
    | calcom.CalcomEvent,
    Field(discriminator="type"),
]
"""Any event of the catalog; `type` tells which."""

EventModel = type[CatalogEvent]


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A type of event.

    Attributes:
        type: its name.
        model: the class that reads and writes it.
        resource: what the thing that it is about is called, here and in webhooks.
        public: whether the history feed and webhooks show it; the others are bookkeeping, on the topic only.
        topic: where it travels.
    """

    type: str
    model: EventModel
    resource: str
    public: bool
    topic: Topic

    @property
    def dataschema(self) -> str:
        """The name of the schema of its data."""
        return schema_uri(self.type)

    @property
    def source(self) -> str:
        """The `source` of its events: the service that tells them."""
        return f"/slotwire/{self.topic.owner}"


def _entry(
    model: EventModel, *, public: bool, topic: Topic = BOOKING_EVENTS, resource: str | None = None
) -> CatalogEntry:
    (event_type,) = get_args(model.model_fields["type"].annotation)
    family, _, _ = event_type.partition(".")
    return CatalogEntry(event_type, model, resource or family, public, topic)


_ENTRIES = (
    _entry(reservations.ReservationCreated, public=True),
    _entry(reservations.ReservationPending, public=True),
    _entry(reservations.ReservationConfirmed, public=True),
    _entry(reservations.ReservationDeclined, public=True),
    _entry(reservations.ReservationLate, public=True),
    _entry(reservations.ReservationPartiallySeated, public=True),
    _entry(reservations.ReservationSeated, public=True),
    _entry(reservations.ReservationCompleted, public=True),
    _entry(reservations.ReservationCancelled, public=True),
    _entry(reservations.ReservationNoShow, public=True),
    _entry(reservations.ReservationUpdated, public=True),
    _entry(reservations.ReservationAssigned, public=False),
    _entry(reservations.ReservationUnassigned, public=False),
    _entry(HoldReleased, public=False),
    _entry(instances.EventInstanceUpdated, public=False),
    _entry(instances.EventInstanceCancelled, public=False),
    _entry(locations.LocationCreated, public=False),
    _entry(locations.LocationUpdated, public=False),
    _entry(locations.LocationDeleted, public=False),
    _entry(tables.TableCreated, public=False),
    _entry(tables.TableUpdated, public=False),
    _entry(tables.TableDeleted, public=False),
    _entry(waitlist.WaitlistEntryJoined, public=True, topic=WAITLIST_EVENTS),
    _entry(waitlist.WaitlistEntryNotified, public=True, topic=WAITLIST_EVENTS),
    _entry(waitlist.WaitlistEntryConverted, public=True, topic=WAITLIST_EVENTS),
    _entry(waitlist.WaitlistEntryRemoved, public=True, topic=WAITLIST_EVENTS),
    _entry(waitlist.WaitlistEntryOfferExpired, public=True, topic=WAITLIST_EVENTS),
    _entry(waitlist.WaitlistEntryDeclined, public=True, topic=WAITLIST_EVENTS),
    _entry(waitlist.WaitlistEntryUpdated, public=True, topic=WAITLIST_EVENTS),
    _entry(webhooks.WebhookSubscriptionDisabled, public=True, topic=WEBHOOK_EVENTS),
    _entry(calcom.CalcomBookingObserved, public=False, topic=CALCOM_BOOKINGS),
    _entry(calcom.CalcomBookingApplied, public=False, topic=CALCOM_RESULTS, resource="calcom_result"),
)

CATALOG: Mapping[str, CatalogEntry] = MappingProxyType({entry.type: entry for entry in _ENTRIES})
"""Every type of event by its name (events.md section 2)."""


def public_types() -> tuple[str, ...]:
    """List the types that the history feed and webhooks show, in the catalog's order."""
    return tuple(entry.type for entry in _ENTRIES if entry.public)


def public_topics() -> tuple[Topic, ...]:
    """List the topics that carry a type of which webhooks tell, in the order of `TOPICS`."""
    carrying = {entry.topic for entry in _ENTRIES if entry.public}
    return tuple(topic for topic in TOPICS if topic in carrying)


def is_known(event_type: str) -> bool:
    """Tell whether the catalog has a type."""
    return event_type in CATALOG
