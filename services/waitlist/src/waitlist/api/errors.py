"""The status of each code that this service refuses with, beside those of every service.

Invariant: every code of the domain's errors is here or among chassis's.
"""

from collections.abc import Mapping

ERRORS: Mapping[str, int] = {
    "already_booked": 409,
    "already_waiting": 409,
    "invalid_status_transition": 409,
    "offer_gone": 409,
    "outside_availability": 422,
    "slot_unavailable": 409,
    "version_conflict": 409,
    "waitlist_full": 409,
}
