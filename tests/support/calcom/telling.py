"""A booking in the JSON of Cal.com's API, version 2024-08-13.

Invariant: which fields are there, and which are left out where there is nothing to tell, is as Cal.com does it; what
only a defect makes null follows from the booking's id, so it is the same in every answer.
"""

from datetime import UTC, datetime
from typing import Any

from support.calcom.defects import Defects
from support.calcom.rows import Attendee, Booking

_EVERY = {"eventType": 3, "eventTypeId": 4, "description": 5, "updatedAt": 7}
_UNKNOWN_HOST_EVERY = 3
_UNKNOWN = "unknown"


def has_no_updated_at(row: Booking, defects: Defects) -> bool:
    """Tell whether the row's `updatedAt` is null."""
    return defects.nulls and row.id % _EVERY["updatedAt"] == 0


def written(at: datetime) -> str:
    """Write an instant as JavaScript does."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def booking_json(row: Booking, defects: Defects) -> dict[str, Any]:
    """Write a booking."""
    told = _core(row) | _links(row, defects)
    if not row.kind.seats:  # of one with seats, each attendee carries these
        told |= _responses(row)
    if row.recurring_uid is not None:
        told["recurringBookingUid"] = row.recurring_uid
    if defects.nulls:
        told |= {name: None for name, every in _EVERY.items() if row.id % every == 0}
    if defects.unknown_host and row.id % _UNKNOWN_HOST_EVERY == 0:
        told["hosts"] = [dict.fromkeys(told["hosts"][0], _UNKNOWN)]
    return told


def _core(row: Booking) -> dict[str, Any]:
    return {
        "id": row.id,
        "uid": row.uid,
        "title": row.title,
        "description": row.description,
        "hosts": [_host(row)],
        "status": row.status,
        "cancellationReason": row.cancellation_reason,
        "start": written(row.start),
        "end": written(row.end),
        "duration": int((row.end - row.start).total_seconds() // 60),
        "eventTypeId": row.kind.id,
        "eventType": {"id": row.kind.id, "slug": row.kind.slug},
        "meetingUrl": row.location,
        "location": row.location,
        "absentHost": row.absent_host,
        "createdAt": written(row.created_at),
        "updatedAt": written(row.updated_at),
        "metadata": dict(row.metadata),
        "rating": 0,
        "icsUid": f"{row.uid}@Cal.com",
        "attendees": [_attendee(attendee) for attendee in row.attendees],
    }


def _links(row: Booking, defects: Defects) -> dict[str, Any]:
    to_uid = None if defects.null_successor else row.to_uid
    links = {
        "cancelledByEmail": row.cancelled_by,
        "reschedulingReason": row.rescheduling_reason,
        "rescheduledByEmail": row.rescheduled_by,
        "rescheduledFromUid": row.from_uid,
        "rescheduledToUid": to_uid,
    }
    return {name: value for name, value in links.items() if value is not None}


def _host(row: Booking) -> dict[str, Any]:
    return {
        "id": row.host.id,
        "name": row.host.name,
        "email": row.host.email,
        "displayEmail": row.host.email,
        "username": row.host.email.partition("@")[0],
        "timeZone": row.host.timezone,
    }


def _attendee(attendee: Attendee) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": attendee.name,
        "email": attendee.stored_email or attendee.email,
        "displayEmail": attendee.email,
        "timeZone": attendee.timezone,
        "language": "en",
        "absent": attendee.absent,
    }
    if attendee.phone is not None:
        told["phoneNumber"] = attendee.phone
    if attendee.seat_uid is not None:
        told |= {"seatUid": attendee.seat_uid, "metadata": {}, "bookingFieldsResponses": {"name": attendee.name}}
    return told


def _responses(row: Booking) -> dict[str, Any]:
    first = row.attendees[0] if row.attendees else Attendee(name="", email="")
    return {"guests": list(row.guests), "bookingFieldsResponses": {"name": first.name, "email": first.email}}
