"""Event instances: the dated occurrences of a service, each with a number of spots (seed 002's family).

Invariant: an instance is a value whose span can be stored, and every change makes a new one. Its service stays its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from booking.domain.booking import Booking, FieldChange
from booking.domain.errors import Flaw, Flaws, ValidationFailedError
from booking.domain.facts import NextId
from booking.domain.reference import Service
from booking.domain.status import OCCUPYING, TRANSITIONS, Status
from booking.domain.times import LATEST, Span, check_span

EVENT_CANCELLED = "event_cancelled"
"""Why a registration was cancelled, where staff gave no other reason."""

CANCELLABLE = frozenset(status for status in OCCUPYING if Status.CANCELLED in TRANSITIONS[status])
"""Registrations that end with their instance; those who sit already stay."""


class InstanceStatus(StrEnum):
    """Where an instance stands."""

    SCHEDULED = "scheduled"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class NewInstance:
    """What a caller asks for; None leaves it to the service."""

    service_id: str
    title: str | None
    start_time: datetime
    end_time: datetime | None
    timezone: str | None
    location_id: str | None
    max_attendance: int | None


@dataclass(frozen=True, kw_only=True)
class EventInstance:
    """The record.

    Attributes:
        attendance: the spots taken, by registrations and by holds that have not expired.
        sequence: the number of its latest event; 0 before the first. They count without a gap.
        last_event_id: the id of that event; the next one's is greater.
        deleted_at: since when it is not there any more for whoever asks.
    """

    id: str
    org_id: str
    service_id: str
    title: str
    start_time: datetime
    end_time: datetime
    timezone: str
    location_id: str | None
    max_attendance: int
    attendance: int
    status: InstanceStatus
    sequence: int
    last_event_id: str | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None

    @property
    def span(self) -> Span:
        """When it takes place."""
        return Span(self.start_time, self.end_time)

    @property
    def remaining(self) -> int:
        """How many spots are left."""
        return self.max_attendance - self.attendance


@dataclass(frozen=True, kw_only=True)
class InstanceFilter:
    """The filters of a list; None filters nothing.

    Attributes:
        starts_from: an instant, or a date in the instance's own zone; both inclusive.
        starts_until: as `starts_from`.
    """

    service_id: str | None = None
    location_id: str | None = None
    status: InstanceStatus | None = None
    starts_from: datetime | date | None = None
    starts_until: datetime | date | None = None


_UPDATED = ("title", "start_time", "end_time", "timezone", "location_id", "max_attendance", "status")
"""The fields that can change, and that `event_instance.updated` tells of."""


def draft(
    new: NewInstance, service: Service | None, *, org_id: str, instance_id: str, known_location: bool, now: datetime
) -> EventInstance:
    """Make an instance of a service.

    Args:
        new: what is asked for.
        service: the one that it names, with its time zone; None when there is none.
        org_id: whose it is.
        instance_id: the id it will have.
        known_location: whether the location that it names, if it names one, is there.
        now: the current instant.

    Raises:
        ValidationFailedError: the service is not there or has no instances, the location is not there, or the times
            are out of bounds.
    """
    flaws = Flaws()
    if service is None:
        flaws.add_unknown("service_id", "service")
    elif service.service_type != "event":
        flaws.add("service_id", "must be the id of a service of the type event", "service_type")
    if not known_location:
        flaws.add_unknown("location_id", "location")
    if service is None or service.timezone is None:
        flaws.tell()
        raise AssertionError("a flaw was told, and a service that is stored has a time zone")
    if new.end_time is None and new.start_time > LATEST:  # its end could leave the range of datetime itself
        flaws.add("start_time", f"must not be after {LATEST.date()}", "bounds")
        flaws.tell()
    end_time = new.end_time or new.start_time + timedelta(minutes=service.duration_minutes)
    with flaws.gathered():
        check_span(Span(new.start_time, end_time))
    flaws.tell()
    return EventInstance(
        id=instance_id,
        org_id=org_id,
        service_id=new.service_id,
        title=new.title or service.name,
        start_time=new.start_time,
        end_time=end_time,
        timezone=new.timezone or service.timezone,
        location_id=new.location_id or service.location_id,
        max_attendance=new.max_attendance or service.max_attendance,
        attendance=0,
        status=InstanceStatus.SCHEDULED,
        sequence=0,
        last_event_id=None,
        created_at=now,
        updated_at=now,
    )


def revise(before: EventInstance, changes: Mapping[str, Any], *, known_location: bool) -> EventInstance:
    """Apply the changed fields.

    Args:
        before: the instance as it is.
        changes: the fields' new values, by name.
        known_location: whether the location that they name, if they name one, is there.

    Raises:
        ValidationFailedError: the location is not there, the times are out of bounds, or more spots are taken than
            there are to be.
    """
    after = replace(before, **changes)
    flaws = Flaws()
    if not known_location:
        flaws.add_unknown("location_id", "location")
    if after.span != before.span:
        with flaws.gathered():
            check_span(after.span)
    if after.max_attendance != before.max_attendance:
        with flaws.gathered():
            _check_capacity(after)
    flaws.tell()
    return after


def _check_capacity(after: EventInstance) -> None:
    if after.remaining < 0:
        told = f"must be at least {after.attendance}: so many spots are taken"
        raise ValidationFailedError(Flaw("max_attendance", told, "in_use"))


def diff(before: EventInstance, after: EventInstance) -> dict[str, FieldChange]:
    """Answer the fields that changed."""
    return {
        name: FieldChange(getattr(before, name), getattr(after, name))
        for name in _UPDATED
        if getattr(before, name) != getattr(after, name)
    }


def moved(registration: Booking, instance: EventInstance, *, now: datetime) -> Booking:
    """Give a registration the time that its instance has."""
    return replace(
        registration,
        start_time=instance.start_time,
        end_time=instance.end_time,
        version=registration.version + 1,
        updated_at=now,
    )


@dataclass(frozen=True)
class InstanceUpdated:
    """Fields changed."""

    changes: Mapping[str, FieldChange]


@dataclass(frozen=True)
class InstanceCancelled:
    """It does not take place."""

    reason: str


InstanceFact = InstanceUpdated | InstanceCancelled


def numbered(instance: EventInstance, *, now: datetime, next_id: NextId) -> EventInstance:
    """Give a changed instance the number, the id and the time of the one event that tells of the change.

    Args:
        instance: as the change makes it, still with its previous event.
        now: the current instant; the event is not told to be before the previous one.
        next_id: makes the id.
    """
    at = max(now, instance.updated_at)
    return replace(
        instance,
        sequence=instance.sequence + 1,
        last_event_id=next_id(instance.last_event_id, at),
        updated_at=at,
    )
