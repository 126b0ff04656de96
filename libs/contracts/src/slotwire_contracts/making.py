"""How producers make events.

Invariant: what does not depend on the occasion (source, subject, schema) is filled in here and nowhere else.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NotRequired, TypedDict, Unpack, overload

from slotwire_contracts.calcom_booking import CalcomBooking, CalcomResult
from slotwire_contracts.calcom_events import CalcomBookingApplied, CalcomBookingObserved
from slotwire_contracts.catalog import CATALOG, CatalogEvent
from slotwire_contracts.envelope import Actor
from slotwire_contracts.event_instance import EventInstance, EventInstanceEvent
from slotwire_contracts.hold import Hold, HoldReleased
from slotwire_contracts.location import Location, LocationEvent
from slotwire_contracts.model import ContractModel
from slotwire_contracts.reservation import Reservation
from slotwire_contracts.reservation_events import ReservationEvent
from slotwire_contracts.table import Table, TableEvent
from slotwire_contracts.waitlist_entry import WaitlistEntry
from slotwire_contracts.waitlist_events import WaitlistEntryEvent
from slotwire_contracts.webhook_subscription import WebhookSubscription, WebhookSubscriptionDisabled

__all__ = ["Occasion", "make_event"]

_Change = ContractModel | Mapping[str, Any]
_Resource = (
    Reservation
    | Hold
    | EventInstance
    | Location
    | Table
    | WaitlistEntry
    | WebhookSubscription
    | CalcomBooking
    | CalcomResult
)


class Occasion(TypedDict):
    """When and why an event came about."""

    id: str
    """The event's id."""
    time: datetime
    """When it happened."""
    orgid: str
    """The organization."""
    sequence: int
    """The event's number among those of its resource, from 1."""
    actor: Actor | str | None
    """Who caused it."""
    correlationid: NotRequired[str | None]
    """What several events of one request have in common."""
    causationid: NotRequired[str | None]
    """The event that this one answers."""
    traceparent: NotRequired[str | None]
    """The trace of the request that caused it."""


@overload
def make_event(
    type: str, *, resource: Reservation, change: _Change, **occasion: Unpack[Occasion]
) -> ReservationEvent: ...
@overload
def make_event(type: str, *, resource: Hold, change: _Change, **occasion: Unpack[Occasion]) -> HoldReleased: ...
@overload
def make_event(
    type: str, *, resource: EventInstance, change: _Change, **occasion: Unpack[Occasion]
) -> EventInstanceEvent: ...
@overload
def make_event(type: str, *, resource: Location, change: _Change, **occasion: Unpack[Occasion]) -> LocationEvent: ...
@overload
def make_event(type: str, *, resource: Table, change: _Change, **occasion: Unpack[Occasion]) -> TableEvent: ...
@overload
def make_event(
    type: str, *, resource: WaitlistEntry, change: _Change, **occasion: Unpack[Occasion]
) -> WaitlistEntryEvent: ...
@overload
def make_event(
    type: str, *, resource: WebhookSubscription, change: _Change, **occasion: Unpack[Occasion]
) -> WebhookSubscriptionDisabled: ...
@overload
def make_event(
    type: str, *, resource: CalcomBooking, change: _Change, **occasion: Unpack[Occasion]
) -> CalcomBookingObserved: ...
@overload
def make_event(
    type: str, *, resource: CalcomResult, change: _Change, **occasion: Unpack[Occasion]
) -> CalcomBookingApplied: ...
def make_event(
    type: str,  # noqa: A002 - the attribute's name in CloudEvents
    *,
    resource: _Resource,
    change: _Change,
    **occasion: Unpack[Occasion],
) -> CatalogEvent:
    """Make an event of the catalog.

    Args:
        type: a type of the catalog.
        resource: what it is about, right after the change; of what is gone, as it was last.
        change: what changed, as the type's model or as its JSON.
        occasion: when and why it came about.

    Raises:
        KeyError: the catalog has no such type.
        pydantic.ValidationError: a value does not fit the type's model.
    """
    entry = CATALOG[type]
    return entry.model(
        source=entry.source,
        type=type,
        subject=resource.id,
        dataschema=entry.dataschema,
        data={"resource": resource, "change": change},
        **occasion,
    )
