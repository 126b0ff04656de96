"""What happens to a waitlist entry, from joining to the reservation (seed 000, events.md section 2).

Invariant: a change says enough to be understood without the snapshots before and after it.
"""

from enum import StrEnum
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import Field

from slotwire_contracts.data import NoChange, ResourceData
from slotwire_contracts.envelope import KnownEvent
from slotwire_contracts.field_changes import AnyChanges
from slotwire_contracts.model import ContractModel, omitted_when_none
from slotwire_contracts.times import Instant
from slotwire_contracts.waitlist_entry import CamelModel, WaitlistEntry

__all__ = [
    "ConvertedChange",
    "NotifiedChange",
    "OfferChange",
    "OfferEnd",
    "OfferExpiredChange",
    "OfferedInstance",
    "OfferedSlot",
    "RemovalReason",
    "RemovedChange",
    "WaitlistEntryConverted",
    "WaitlistEntryData",
    "WaitlistEntryDeclined",
    "WaitlistEntryEvent",
    "WaitlistEntryJoined",
    "WaitlistEntryNotified",
    "WaitlistEntryOfferExpired",
    "WaitlistEntryRemoved",
    "WaitlistEntryUpdated",
]

Change_co = TypeVar("Change_co", bound=ContractModel, covariant=True)


class RemovalReason(StrEnum):
    """Why an entry waits no more: somebody took it off, its time passed, or what it waited for does not take place."""

    GUEST = "guest"
    STAFF = "staff"
    EXPIRED = "expired"
    DECLINED = "declined"
    EVENT_CANCELLED = "event_cancelled"


class OfferEnd(StrEnum):
    """Why an offer ended without an answer: its time ran out, or its place is gone, as somebody was quicker, say."""

    EXPIRED = "expired"
    TAKEN = "taken"


class OfferedSlot(CamelModel):
    """Tables for a time."""

    start_time: Instant
    end_time: Instant
    table_ids: tuple[str, ...]


class OfferedInstance(CamelModel):
    """Spots of an event instance."""

    id: str
    title: str
    start_time: Instant
    end_time: Instant
    spots: Annotated[int, Field(ge=1)]


class NotifiedChange(CamelModel):
    """What is offered and until when: a slot or an event instance, never both."""

    offer_id: str
    expires_at: Instant
    """From when on the offer is dead."""
    slot: OfferedSlot | None = omitted_when_none()
    instance: OfferedInstance | None = omitted_when_none()
    claim_url: str
    """The guest's own page, where the offer is accepted or declined."""
    attempt: Annotated[int, Field(ge=1)]
    """Counts the offers that this entry was made."""


class ConvertedChange(CamelModel):
    """The reservation that the entry became."""

    booking_id: str


class RemovedChange(CamelModel):
    """Why it waits no more."""

    reason: RemovalReason


class OfferChange(CamelModel):
    """The offer that ended."""

    offer_id: str


class OfferExpiredChange(OfferChange):
    """The offer that ended, and why; what was told before there were reasons has none."""

    reason: OfferEnd | None = omitted_when_none()


class WaitlistEntryData(ResourceData[WaitlistEntry, Change_co], Generic[Change_co]):
    """The entry right after the change, and the change."""


class WaitlistEntryJoined(KnownEvent[WaitlistEntryData[NoChange]]):
    """A guest joined the waitlist."""

    type: Literal["waitlist_entry.joined"]


class WaitlistEntryNotified(KnownEvent[WaitlistEntryData[NotifiedChange]]):
    """A place is free for the guest, until the offer expires."""

    type: Literal["waitlist_entry.notified"]


class WaitlistEntryConverted(KnownEvent[WaitlistEntryData[ConvertedChange]]):
    """It became a reservation."""

    type: Literal["waitlist_entry.converted"]


class WaitlistEntryRemoved(KnownEvent[WaitlistEntryData[RemovedChange]]):
    """It waits no more, and became no reservation."""

    type: Literal["waitlist_entry.removed"]


class WaitlistEntryOfferExpired(KnownEvent[WaitlistEntryData[OfferExpiredChange]]):
    """An offer ended without an answer: the guest let its time run out, or its place is gone."""

    type: Literal["waitlist_entry.offer_expired"]


class WaitlistEntryDeclined(KnownEvent[WaitlistEntryData[OfferChange]]):
    """The guest declined an offer."""

    type: Literal["waitlist_entry.declined"]


class WaitlistEntryUpdated(KnownEvent[WaitlistEntryData[AnyChanges]]):
    """Its details were edited."""

    type: Literal["waitlist_entry.updated"]


WaitlistEntryEvent = Annotated[
    WaitlistEntryJoined
    | WaitlistEntryNotified
    | WaitlistEntryConverted
    | WaitlistEntryRemoved
    | WaitlistEntryOfferExpired
    | WaitlistEntryDeclined
    | WaitlistEntryUpdated,
    Field(discriminator="type"),
]
"""Any event of a waitlist entry; `type` tells which."""
