"""What is free at booking, and the taking of it: holds and bookings.

Invariant: what is taken is asked for under a key of ours, so that asking again takes nothing twice; a refusal took
nothing. Keys are kept for a day only: that an entry becomes one booking, booking itself sees to for ever.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from waitlist.client.booking import BookingClient, Reply
from waitlist.domain.conversion import Conversion
from waitlist.domain.entry import waited_for
from waitlist.domain.offer import Held, Offer
from waitlist.domain.refusing import ALREADY_BOOKED
from waitlist.domain.times import Span, time_text
from waitlist.domain.visits import STEP_MINUTES, Place

HOLDS, BOOKINGS = "/api/v1/holds", "/api/v1/bookings"


@dataclass(frozen=True)
class Refused:
    """Why booking would not."""

    code: str
    message: str
    param: str | None = None


@dataclass(frozen=True)
class Booked:
    """The booking that was made.

    Attributes:
        before: whether it had been made before, of whatever that was: the hold that is named now may be there yet.
    """

    booking_id: str
    before: bool = False


class Taking:
    """Asks booking for what is free, and takes it."""

    def __init__(self, booking: BookingClient) -> None:
        self._booking = booking

    async def free(self, org_id: str, location_id: str, question: tuple[int, int], within: Span) -> list[Place]:
        """Ask when a party could sit, and for so many minutes; the earliest first.

        Raises:
            UnavailableError: booking does not answer.
        """
        party_size, minutes = question
        query = {
            "location_id": location_id,
            "party_size": party_size,
            "duration_minutes": minutes,
            "interval_minutes": STEP_MINUTES,
            "from": time_text(within.start),
            "to": time_text(within.end),
        }
        reply = await self._booking.send("GET", org_id, "/api/v1/availability", query=query)
        if not reply.is_success:
            return []  # the location is gone, or takes no such party
        return [
            Place(_instant(slot["start_time"]), _instant(slot["end_time"]), slot["remaining"])
            for slot in reply.body["data"]
        ]

    async def hold(self, offer: Offer) -> Held | Refused:
        """Hold what an offer is to be of.

        Raises:
            UnavailableError: nobody knows whether it is held.
        """
        reply = await self._booking.send("POST", offer.org_id, HOLDS, body=_wanted(offer), once=offer.id)
        if not reply.is_success:
            return _refused(reply)
        held = reply.body["data"]
        return Held(held["id"], tuple(held["table_ids"]), _instant(held["expires_at"]))

    async def release(self, org_id: str, hold_id: str) -> None:
        """Give a hold back; one that is gone already is as good.

        Raises:
            UnavailableError: nobody knows whether it is held.
        """
        await self._booking.send("DELETE", org_id, f"{HOLDS}/{hold_id}")

    async def book(self, conversion: Conversion) -> Booked | Refused:
        """Make the booking that an entry becomes.

        Raises:
            UnavailableError: nobody knows whether it is made.
        """
        reply = await self._booking.send(
            "POST", conversion.org_id, BOOKINGS, body=conversion.request, once=conversion.id
        )
        if reply.is_success:
            return Booked(reply.body["data"]["id"])
        refused = _refused(reply)
        if (refused.code, refused.param) == (ALREADY_BOOKED, "waitlist_entry_id"):
            return Booked(reply.body["error"]["details"]["booking_id"], before=True)
        return refused


def _wanted(offer: Offer) -> Mapping[str, Any]:
    told, what = {"party_size": offer.party_size, "ttl_minutes": offer.hold_minutes}, waited_for(offer.queue)
    if what.event_instance_id is not None:
        return {"event_instance_id": what.event_instance_id, **told}
    return {
        "location_id": what.location_id,
        "start_time": time_text(offer.start_time),
        "end_time": time_text(offer.end_time),
        **told,
    }


def _refused(reply: Reply) -> Refused:
    error = reply.body["error"]
    return Refused(error["code"], error["message"], error.get("param"))


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
