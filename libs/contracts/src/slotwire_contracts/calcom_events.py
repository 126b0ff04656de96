"""What is found in Cal.com, and what became of it here: the events of `calcom.bookings` and `calcom.results`.

Invariant: both are about a chain, so one chain's snapshots are applied and answered in the order of their `sequence`;
each of the two counts a chain's events by itself. An answer's `causationid` is the id of the event that it answers.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from slotwire_contracts.calcom_booking import CalcomBooking, CalcomResult
from slotwire_contracts.data import ResourceData
from slotwire_contracts.envelope import KnownEvent
from slotwire_contracts.model import ContractModel

__all__ = [
    "AppliedChange",
    "CalcomBookingApplied",
    "CalcomBookingObserved",
    "CalcomEvent",
    "FoundBy",
    "ObservedChange",
]


class FoundBy(StrEnum):
    """What looked: a sync that was asked for, a periodic one, the daily comparison, or Cal.com's own webhook."""

    SYNC = "sync"
    INCREMENTAL = "incremental"
    RECONCILE = "reconcile"
    WEBHOOK = "webhook"


class ObservedChange(ContractModel):
    """How the difference was found, and where it lies."""

    found_by: FoundBy
    run_id: str | None
    """The run that found it."""
    changed: tuple[str, ...]
    """The fields of the snapshot that differ from the chain's last one; empty for its first one."""


class AppliedChange(ContractModel):
    """The run whose snapshot is answered."""

    run_id: str | None


class CalcomBookingObserved(KnownEvent[ResourceData[CalcomBooking, ObservedChange]]):
    """A booking of Cal.com was found new or changed."""

    type: Literal["calcom_booking.observed"]


class CalcomBookingApplied(KnownEvent[ResourceData[CalcomResult, AppliedChange]]):
    """It was taken over here, or was not."""

    type: Literal["calcom_booking.applied"]


CalcomEvent = Annotated[CalcomBookingObserved | CalcomBookingApplied, Field(discriminator="type")]
"""Any event of a booking of Cal.com; `type` tells which."""
