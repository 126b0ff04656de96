"""How producers make events.

Invariant: what does not depend on the occasion (source, subject, schema) is filled in here and nowhere else.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from slotwire_contracts.catalog import CATALOG
from slotwire_contracts.envelope import Actor
from slotwire_contracts.reservation import Reservation
from slotwire_contracts.reservation_changes import Change
from slotwire_contracts.reservation_events import ReservationEvent

__all__ = ["BOOKING_SOURCE", "reservation_event"]

BOOKING_SOURCE = "/slotwire/booking"
"""The `source` of every event that the booking service tells."""


def reservation_event(
    type: str,  # noqa: A002 - the attribute's name in CloudEvents
    *,
    id: str,  # noqa: A002 - as above
    time: datetime,
    resource: Reservation,
    change: Change | Mapping[str, Any],
    orgid: str,
    sequence: int,
    actor: Actor | str | None,
    correlationid: str | None = None,
    causationid: str | None = None,
    traceparent: str | None = None,
) -> ReservationEvent:
    """Make an event of a reservation.

    Args:
        type: a type of the catalog.
        id: the event's id.
        time: when it happened.
        resource: the reservation right after the change.
        change: what changed, as the type's model or as its JSON.
        orgid: the organization.
        sequence: the event's number among those of this reservation, from 1.
        actor: who caused it.
        correlationid: what several events of one request have in common.
        causationid: the event that this one answers.
        traceparent: the trace of the request that caused it.

    Raises:
        KeyError: the catalog has no such type.
        pydantic.ValidationError: a value does not fit the type's model.
    """
    entry = CATALOG[type]
    return entry.model(
        id=id,
        source=BOOKING_SOURCE,
        type=type,
        subject=resource.id,
        time=time,
        dataschema=entry.dataschema,
        orgid=orgid,
        sequence=sequence,
        correlationid=correlationid,
        causationid=causationid,
        actor=actor,
        traceparent=traceparent,
        data={"resource": resource, "change": change},
    )
