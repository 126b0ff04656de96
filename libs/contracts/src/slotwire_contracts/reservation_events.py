"""The events of a reservation, one class a type (events.md section 2).

Invariant: `data.resource` is the reservation right after `data.change`.
"""

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import Field

from slotwire_contracts.data import ResourceData
from slotwire_contracts.envelope import KnownEvent
from slotwire_contracts.reservation import Reservation
from slotwire_contracts.reservation_changes import Change, CreatedChange, TablesChange, TransitionChange, UpdatedChange

__all__ = [
    "ReservationAssigned",
    "ReservationCancelled",
    "ReservationCompleted",
    "ReservationConfirmed",
    "ReservationCreated",
    "ReservationData",
    "ReservationDeclined",
    "ReservationEvent",
    "ReservationLate",
    "ReservationNoShow",
    "ReservationPartiallySeated",
    "ReservationPending",
    "ReservationSeated",
    "ReservationUnassigned",
    "ReservationUpdated",
]

Change_co = TypeVar("Change_co", bound=Change, covariant=True)


class ReservationData(ResourceData[Reservation, Change_co], Generic[Change_co]):
    """The reservation right after the change, and the change."""


class ReservationCreated(KnownEvent[ReservationData[CreatedChange]]):
    """It came to be, in whatever status the snapshot shows."""

    type: Literal["reservation.created"]


class ReservationPending(KnownEvent[ReservationData[TransitionChange]]):
    """It waits for confirmation again."""

    type: Literal["reservation.pending"]


class ReservationConfirmed(KnownEvent[ReservationData[TransitionChange]]):
    """It was confirmed."""

    type: Literal["reservation.confirmed"]


class ReservationDeclined(KnownEvent[ReservationData[TransitionChange]]):
    """It was declined."""

    type: Literal["reservation.declined"]


class ReservationLate(KnownEvent[ReservationData[TransitionChange]]):
    """Its guests are late."""

    type: Literal["reservation.late"]


class ReservationPartiallySeated(KnownEvent[ReservationData[TransitionChange]]):
    """Some of its guests sit."""

    type: Literal["reservation.partially_seated"]


class ReservationSeated(KnownEvent[ReservationData[TransitionChange]]):
    """Its guests sit."""

    type: Literal["reservation.seated"]


class ReservationCompleted(KnownEvent[ReservationData[TransitionChange]]):
    """The visit is over."""

    type: Literal["reservation.completed"]


class ReservationCancelled(KnownEvent[ReservationData[TransitionChange]]):
    """It was called off."""

    type: Literal["reservation.cancelled"]


class ReservationNoShow(KnownEvent[ReservationData[TransitionChange]]):
    """Its guests never came."""

    type: Literal["reservation.no_show"]


class ReservationUpdated(KnownEvent[ReservationData[UpdatedChange]]):
    """Its details were edited."""

    type: Literal["reservation.updated"]


class ReservationAssigned(KnownEvent[ReservationData[TablesChange]]):
    """Tables were given to it."""

    type: Literal["reservation.assigned"]


class ReservationUnassigned(KnownEvent[ReservationData[TablesChange]]):
    """Tables were taken from it."""

    type: Literal["reservation.unassigned"]


ReservationEvent = Annotated[
    ReservationCreated
    | ReservationPending
    | ReservationConfirmed
    | ReservationDeclined
    | ReservationLate
    | ReservationPartiallySeated
    | ReservationSeated
    | ReservationCompleted
    | ReservationCancelled
    | ReservationNoShow
    | ReservationUpdated
    | ReservationAssigned
    | ReservationUnassigned,
    Field(discriminator="type"),
]
"""Any event of a reservation; `type` tells which."""
