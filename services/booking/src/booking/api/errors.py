"""The status of each code that this service refuses with, beside those of every service.

Invariant: every code of the domain's errors is here or among chassis's.
"""

from collections.abc import Mapping

ERRORS: Mapping[str, int] = {
    "already_booked": 409,
    "external_read_only": 409,
    "hold_expired": 409,
    "invalid_status_transition": 409,
    "in_use": 409,
    "slot_unavailable": 409,
    "version_conflict": 409,
    "outside_availability": 422,
}
