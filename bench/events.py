"""Events as the booking service publishes them, many at once.

Invariant: every event is of a booking of its own, under a new id.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import cycle, islice

from chassis.ids import new_id
from slotwire_contracts import Reservation, ReservationEvent, make_event

_AT = datetime(2030, 1, 7, 8, 0, tzinfo=UTC)
_MODEL = Reservation.model_validate(
    {
        "id": "bk_model",
        "schedule_id": new_id("sch"),
        "start_time": _AT,
        "end_time": _AT.replace(minute=30),
        "status": "PENDING",
        "title": "Consultation Call",
        "attendee_name": "John Doe",
        "attendee_email": "john@example.com",
        "created_at": _AT,
        "event_type_id": None,
        "timezone": "America/Los_Angeles",
        "location": "Zoom",
        "location_type": "video",
        "attendee_phone": None,
        "attendee_timezone": "America/New_York",
        "attendee_notes": "First-time visitor",
        "metadata": {"source": "website", "campaign": "spring"},
        "location_id": None,
        "table_ids": (),
        "party_size": 1,
        "source": "api",
        "event_instance_id": None,
        "version": 1,
        "updated_at": _AT,
    }
)


def events(count: int, org_ids: Sequence[str]) -> Iterator[ReservationEvent]:
    """Make so many events; the organizations take turns."""
    for org_id in islice(cycle(org_ids), count):
        yield make_event(
            "reservation.created",
            id=new_id("evt"),
            time=datetime.now(UTC),
            resource=_MODEL.model_copy(update={"id": new_id("bk")}),
            change={"source": "api", "party_size": 1},
            orgid=org_id,
            sequence=1,
            actor="staff",
            correlationid=new_id("req"),
        )
