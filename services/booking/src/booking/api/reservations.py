"""Reservations as integrators follow them (seed 003's family of paths; api.md section 2).

Invariant: a reservation is shown in the one representation, behind the name of what it is.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field

from booking.api.bookings import READ
from booking.api.fields import Identifier, Instant, actor_of
from booking.domain.booking import Booking
from booking.domain.cursors import Cursor
from booking.domain.listing import Followed, ReservationFilter
from booking.domain.status import Status
from booking.service.bookings import Bookings
from booking.service.reservations import Reservations
from booking.service.snapshots import snapshot
from chassis.web import Call, Input, Output, Route, Text
from slotwire_contracts import Reservation

PATH = "/v1/reservations"


class ReservationQuery(Input):
    """Which part of the list is wanted."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    starting_after: Text | None = None
    updated_since: Instant | None = None
    status: Status | None = None
    schedule_id: Identifier | None = None
    location_id: Identifier | None = None

    @property
    def filter(self) -> ReservationFilter:
        """The filters, as the use case takes them."""
        return ReservationFilter(
            schedule_id=self.schedule_id,
            location_id=self.location_id,
            status=self.status,
            updated_since=self.updated_since,
        )


class _Named(BaseModel):
    """Listed last among the bases, so that its field comes first."""

    object: Literal["reservation"] = "reservation"


class ReservationObject(Reservation, _Named):
    """A reservation as it is now."""

    @classmethod
    def of(cls, booking: Booking) -> Self:
        """Render a booking."""
        return cls(**dict(snapshot(booking)))


class ReservationList(Output):
    """A page of reservations, the one that was changed longest ago first."""

    object: Literal["list"] = "list"
    data: list[ReservationObject]
    has_more: bool
    next_cursor: str | None

    @classmethod
    def of(cls, page: Followed[Booking]) -> Self:
        """Render a page."""
        return cls(
            data=[ReservationObject.of(booking) for booking in page.items],
            has_more=page.has_more,
            next_cursor=None if page.next_cursor is None else str(page.next_cursor),
        )


@dataclass(frozen=True)
class Handlers:
    """Following reservations, and reading one."""

    bookings: Bookings
    reservations: Reservations

    async def page(self, call: Call) -> Followed[Booking]:
        """Answer a page of reservations."""
        query: ReservationQuery = call.query
        after = None if query.starting_after is None else Cursor.parse(query.starting_after)
        return await self.reservations.page(actor_of(call.caller), query.filter, limit=query.limit, after=after)

    async def get(self, call: Call) -> Booking:
        """Answer one reservation."""
        return await self.bookings.get(actor_of(call.caller), call.path["id"])


def routes(bookings: Bookings, reservations: Reservations) -> list[Route]:
    """List the operations."""
    handlers = Handlers(bookings, reservations)
    return [
        Route(
            "GET",
            PATH,
            handlers.page,
            scope=READ,
            summary="Follow reservations, in the order of their last changes",
            answer=ReservationList,
            render=ReservationList.of,
            query=ReservationQuery,
            errors=("invalid_cursor",),
        ),
        Route(
            "GET",
            f"{PATH}/{{id}}",
            handlers.get,
            scope=READ,
            summary="Read a reservation",
            answer=ReservationObject,
            render=ReservationObject.of,
        ),
    ]
