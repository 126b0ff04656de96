"""What the use cases around offers work with.

Invariant: it is put together once, by the composition; clock and ids are passed in.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chassis.clock import Clock
from chassis.ids import Ids
from chassis.postgres import Connection, Database
from chassis.unit import UnitOfWork
from waitlist.client.booking import BookingClient
from waitlist.client.taking import Taking
from waitlist.service.claims import Claims
from waitlist.service.recording import Recording

Mark = Callable[[Connection, str, str], Awaitable[None]]
"""Marks a queue of an organization as due for a match, in the caller's transaction."""


@dataclass(frozen=True)
class Tools:
    """The parts that offers and bookings are made with.

    Attributes:
        mark: tells whoever matches that a queue is due.
    """

    units: UnitOfWork
    database: Database
    booking: BookingClient
    taking: Taking
    recording: Recording
    claims: Claims
    mark: Mark
    clock: Clock
    ids: Ids
