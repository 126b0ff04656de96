"""Where a booking of Cal.com's belongs here, by what kind of appointment it is there.

Invariant: what the organization set goes before what was the case before, so a changed setting reaches old bookings;
but one that has its place keeps it where the settings say nothing.
"""

from calcom_sync.domain.integration import Placement, Terms
from slotwire_contracts import CalcomBooking, CalcomEventType


def place_of(kind: CalcomEventType | None, terms: Terms, before: CalcomBooking | None) -> Placement | None:
    """Tell where a booking belongs; None: nowhere.

    Args:
        kind: what Cal.com says that it is; None where it does not say.
        terms: the organization's settings.
        before: how the chain was found the last time.
    """
    named = None if kind is None else next((one for one in terms.schedules if _is_for(one, kind)), None)
    if named is not None:
        return named
    if terms.default_schedule_id is not None:
        return Placement(terms.default_schedule_id)
    return None if before is None else Placement(before.schedule_id, before.event_type_id)


def _is_for(placement: Placement, kind: CalcomEventType) -> bool:
    if placement.calcom_event_type_id is not None:
        return placement.calcom_event_type_id == kind.id
    return placement.calcom_event_type_slug == kind.slug
