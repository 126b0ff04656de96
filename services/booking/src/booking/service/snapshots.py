"""A booking and a hold as the world sees them.

Invariant: answers and events show a booking in the same way, and so a hold; what it holds only for us is in neither.
"""

from booking.domain import holds
from booking.domain.booking import Booking
from slotwire_contracts import ExternalBooking, Hold, LocationType, Reservation, ReservationStatus


def snapshot(booking: Booking) -> Reservation:
    """Answer the one representation of a booking (api.md section 2)."""
    return Reservation(
        id=booking.id,
        schedule_id=booking.schedule_id,
        start_time=booking.start_time,
        end_time=booking.end_time,
        status=ReservationStatus(booking.status.value),
        title=booking.title,
        attendee_name=booking.attendee_name,
        attendee_email=booking.attendee_email,
        created_at=booking.created_at,
        event_type_id=booking.event_type_id,
        timezone=booking.timezone,
        location=booking.location,
        location_type=None if booking.location_type is None else LocationType(booking.location_type),
        attendee_phone=booking.attendee_phone,
        attendee_timezone=booking.attendee_timezone,
        attendee_notes=booking.attendee_notes,
        metadata=dict(booking.metadata),
        location_id=booking.location_id,
        table_ids=booking.table_ids,
        party_size=booking.party_size,
        source=booking.source,
        event_instance_id=booking.event_instance_id,
        version=booking.version,
        updated_at=booking.updated_at,
        external=_external(booking),
    )


def _external(booking: Booking) -> ExternalBooking | None:
    if booking.external_provider is None or booking.external_uid is None:
        return None
    return ExternalBooking(provider=booking.external_provider, uid=booking.external_uid, conflict=booking.conflict)


def hold_snapshot(hold: holds.Hold) -> Hold:
    """Answer the one representation of a hold."""
    return Hold(**{name: getattr(hold, name) for name in Hold.model_fields})
