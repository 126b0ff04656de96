"""A stand-in of Cal.com: bookings with a life of their own, the API with its known defects, and the webhooks.

Written from what Cal.com's code and documentation say (scheduling.md, sections 1 and 2). What a test does to `Life` is
the truth; what `StandIn` answers about it is what Cal.com would.

Invariant: a defect is off until a test switches it on, and everything random comes from a seed.
"""

from support.calcom.chance import Chance
from support.calcom.couriers import Courier, Loss
from support.calcom.defects import Defects, Malformed, Throttle
from support.calcom.halting import Halt
from support.calcom.life import Chain, Life
from support.calcom.rows import Attendee, Booking, Host, Kind
from support.calcom.standin import KEY, StandIn, standin
from support.calcom.truth import Fate, fates

__all__ = [
    "KEY",
    "Attendee",
    "Booking",
    "Chain",
    "Chance",
    "Courier",
    "Defects",
    "Fate",
    "Halt",
    "Host",
    "Kind",
    "Life",
    "Loss",
    "Malformed",
    "StandIn",
    "Throttle",
    "fates",
    "standin",
]
