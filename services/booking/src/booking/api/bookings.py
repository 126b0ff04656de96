"""Routes of bookings (seed 001).

Invariant: every answer that shows a booking shows it whole, in the one representation.
"""

import re
from dataclasses import dataclass

from booking.api.booking_models import (
    BookingBody,
    BookingQuery,
    BulkResult,
    BulkStatus,
    Cancelled,
    ChangedBooking,
    Refused,
)
from booking.api.fields import actor_of, meta_of
from booking.domain.booking import Booking
from booking.domain.errors import Flaw, ValidationFailedError
from booking.domain.listing import Found
from booking.service.bookings import Bookings, Outcome
from booking.service.snapshots import snapshot
from chassis.origin import Origin
from chassis.web import Call, Data, Listing, Route
from slotwire_contracts import Reservation

PATH = "/api/v1/bookings"
READ, MANAGE = "bookings.read", "bookings.manage"
_IF_MATCH = {
    "If-Match": "The version that the change was made looking at; if the booking has moved on, nothing changes."
}
_VERSION = re.compile(r'(?:W/)?"?([0-9]{1,9})"?')


@dataclass(frozen=True)
class Handlers:
    """The five operations of seed 001, and one on many."""

    bookings: Bookings

    async def page(self, call: Call) -> Found[Booking]:
        """Answer a page of bookings."""
        query: BookingQuery = call.query
        return await self.bookings.page(actor_of(call.caller), query.filter, upcoming=query.upcoming, part=query.page)

    async def get(self, call: Call) -> Booking:
        """Answer one booking."""
        return await self.bookings.get(actor_of(call.caller), call.path["id"])

    async def create(self, call: Call) -> Booking:
        """Make a booking."""
        body: BookingBody = call.body
        return await self.bookings.create(actor_of(call.caller), body.new_booking(), origin_of(call), call.once)

    async def change(self, call: Call) -> Booking:
        """Change a booking."""
        body: ChangedBooking = call.body
        change = body.change(_version(call))
        return await self.bookings.change(actor_of(call.caller), call.path["id"], change, origin_of(call))

    async def change_all(self, call: Call) -> list[Outcome]:
        """Change the status of several bookings."""
        body: BulkStatus = call.body
        return await self.bookings.change_all(actor_of(call.caller), body.ids, body.change, origin_of(call), call.once)

    async def cancel(self, call: Call) -> Booking:
        """Cancel a booking."""
        return await self.bookings.cancel(actor_of(call.caller), call.path["id"], _version(call), origin_of(call))


def routes(bookings: Bookings) -> list[Route]:
    """List the operations."""
    handlers = Handlers(bookings)
    one = f"{PATH}/{{id}}"
    return [
        Route(
            "GET",
            PATH,
            handlers.page,
            scope=READ,
            summary="List bookings",
            answer=Listing[Reservation],
            render=_show_page,
            query=BookingQuery,
        ),
        Route(
            "POST",
            PATH,
            handlers.create,
            scope=MANAGE,
            summary="Make a booking",
            answer=Data[Reservation],
            render=_show,
            body=BookingBody,
            status=201,
            errors=("slot_unavailable", "outside_availability", "already_booked", "hold_expired"),
        ),
        Route(
            "POST",
            f"{PATH}/bulk-status",
            handlers.change_all,
            scope=MANAGE,
            summary="Change the status of several bookings, each for itself",
            answer=Data[list[BulkResult]],
            render=_show_outcomes,
            body=BulkStatus,
        ),
        Route("GET", one, handlers.get, scope=READ, summary="Read a booking", answer=Data[Reservation], render=_show),
        Route(
            "PATCH",
            one,
            handlers.change,
            scope=MANAGE,
            summary="Change a booking's status or details",
            answer=Data[Reservation],
            render=_show,
            body=ChangedBooking,
            headers=_IF_MATCH,
            errors=(
                "invalid_status_transition",
                "slot_unavailable",
                "outside_availability",
                "already_booked",
                "version_conflict",
            ),
        ),
        Route(
            "DELETE",
            one,
            handlers.cancel,
            scope=MANAGE,
            summary="Cancel a booking; it stays readable",
            answer=Data[Cancelled],
            render=_show_cancelled,
            headers=_IF_MATCH,
            errors=("invalid_status_transition", "version_conflict"),
        ),
    ]


def _show(booking: Booking) -> Data[Reservation]:
    return Data(data=snapshot(booking))


def _show_page(found: Found[Booking]) -> Listing[Reservation]:
    return Listing(data=[snapshot(booking) for booking in found.items], meta=meta_of(found))


def _show_cancelled(booking: Booking) -> Data[Cancelled]:
    return Data(data=Cancelled(id=booking.id, status=booking.status, cancelled=True))


def _show_outcomes(outcomes: list[Outcome]) -> Data[list[BulkResult]]:
    return Data(data=[_show_outcome(outcome) for outcome in outcomes])


def _show_outcome(outcome: Outcome) -> BulkResult:
    refused, booking = outcome.refused, outcome.booking
    return BulkResult(
        id=outcome.booking_id,
        status=booking.status if booking else None,
        error=Refused(code=refused.code, message=refused.message, param=refused.param, details=refused.details)
        if refused
        else None,
    )


def origin_of(call: Call) -> Origin:
    """Tell which request is behind a change."""
    return Origin(call.request_id, call.traceparent)


def _version(call: Call) -> int | None:
    """Read `If-Match`: a version, bare or quoted; `*` asks for nothing more than that the booking is there."""
    given = call.headers.get("If-Match", "*").strip()
    if given == "*":
        return None
    match = _VERSION.fullmatch(given)
    if match is None:
        raise ValidationFailedError(Flaw("If-Match", "must be a booking's version", "version"))
    return int(match[1])
