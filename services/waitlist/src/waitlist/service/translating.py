"""What booking refuses, in the words of this service.

Invariant: a field is named as callers of this service know it.
"""

from collections.abc import Mapping

from waitlist.client.taking import Refused
from waitlist.domain import refusing
from waitlist.domain.conversion import gone
from waitlist.domain.errors import (
    AlreadyBookedError,
    Flaw,
    OutsideAvailabilityError,
    PlaceTakenError,
    ValidationFailedError,
    WaitlistError,
)
from waitlist.domain.terms import END_TIME, START_TIME, TABLE

_PARAMS: Mapping[str, str] = {
    "start_time": START_TIME,
    "end_time": END_TIME,
    "table_ids": TABLE,
    "party_size": "partySize",
    "client_id": "userId",
    "attendee": "contact",
}
"""What booking calls the fields of which it may refuse one."""


def translated(refused: Refused) -> WaitlistError:
    """Tell a refusal of booking in the words of this service."""
    param = None if refused.param is None else _PARAMS.get(refused.param, refused.param)
    match refused.code:
        case refusing.HOLD_EXPIRED:
            return gone()
        case refusing.TAKEN:
            return PlaceTakenError("the place is taken; the entry keeps its place in the queue", param=param)
        case refusing.ALREADY_BOOKED:
            return AlreadyBookedError("the guest has a booking of that slot already", param=param)
        case refusing.OUTSIDE_AVAILABILITY:
            return OutsideAvailabilityError(refused.message, param=param)
        case _:
            told = refused.message.removeprefix(f"{refused.param}: ")
            return ValidationFailedError(Flaw(param or START_TIME, told, refused.code))
