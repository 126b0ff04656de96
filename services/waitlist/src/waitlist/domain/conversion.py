"""Turning an entry into a booking: what is asked of booking, and who may ask for it.

Invariant: what booking is asked for one entry does not change while its answer is not known, so that however often it
is asked there is one booking.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from waitlist.domain.actors import Actor, ActorName
from waitlist.domain.entry import Entry
from waitlist.domain.errors import Flaw, InvalidTransitionError, OfferGoneError, ValidationFailedError
from waitlist.domain.offer import Offer
from waitlist.domain.refusing import HOLD_EXPIRED, TAKEN
from waitlist.domain.status import Status
from waitlist.domain.terms import START_TIME, TABLE, Terms
from waitlist.domain.times import time_text
from waitlist.domain.visits import Place


@dataclass(frozen=True)
class Conversion:
    """A booking that was asked for and not heard of yet. Its fields are the columns of its table.

    Attributes:
        offer_id: the offer that it accepts; None where staff chose something else.
        request: what booking is asked, however often.
        made_by: who asked for it.
        request_id: what its event is tied to the request by.
        traceparent: the trace context that goes on with it.
        leased_until: until when it is in the hands of who asked.
    """

    id: str
    entry_id: str
    org_id: str
    queue: str
    offer_id: str | None
    request: Mapping[str, Any]
    made_by: ActorName
    request_id: str
    traceparent: str | None
    leased_until: datetime


def check_convertible(entry: Entry) -> None:
    """Refuse to turn an entry into a booking that waits no more, or of whom booking could not know who comes.

    Raises:
        InvalidTransitionError: it waits no more.
        ValidationFailedError: it names no client and no email.
    """
    if not entry.is_live:
        details = {"fromStatus": entry.status.value, "toStatus": Status.CONVERTED.value}
        raise InvalidTransitionError("the entry is on the waitlist no more", param="status", details=details)
    if entry.client_id is None and (entry.contact is None or entry.contact.email is None):
        raise ValidationFailedError(Flaw("contact", "must have an email for the entry to become a booking", "email"))


def asked_of_booking(entry: Entry, offer: Offer | None, terms: Terms, actor: Actor) -> dict[str, Any]:
    """Tell what booking is asked for (api.md section 2).

    Args:
        entry: whose booking it is to be.
        offer: its live offer, if it has one.
        terms: what the caller asks for.
        actor: who asks: a client may take what is offered, and staff anything that is free.

    Raises:
        OfferGoneError: nothing is offered, and nothing is asked for either; or what was seen is offered no more.
        ForbiddenError: a client asks for something else than what is offered.
    """
    if actor.is_client:
        _check_own(offer, terms, actor)
    if terms.offer_id is not None and (offer is None or offer.id != terms.offer_id):
        raise gone()
    told = {"waitlist_entry_id": entry.id, "source": "waitlist", **_guest(entry)}
    if offer is not None and offer.hold_id is not None:
        told["hold_id"] = offer.hold_id
    return told | _what(entry, offer, terms)


def accepts(offer: Offer, request: Mapping[str, Any]) -> bool:
    """Tell whether what booking is asked for is what is offered, and not another time or table that staff chose."""
    if "event_instance_id" in request:
        return True
    times = request["start_time"], request["end_time"]
    tables = request.get("table_ids", offer.table_ids)
    return times == (time_text(offer.start_time), time_text(offer.end_time)) and tuple(tables) == offer.table_ids


def loses(offer: Offer, conversion: Conversion, code: str) -> bool:
    """Tell whether a refusal says that what is offered is lost: its hold is gone, or somebody has just that place.

    Args:
        offer: what the entry is offered.
        conversion: what was refused.
        code: why.
    """
    if code == HOLD_EXPIRED:
        return offer.hold_id is not None and offer.hold_id == conversion.request.get("hold_id")
    return code == TAKEN and offer.id == conversion.offer_id


def _check_own(offer: Offer | None, terms: Terms, actor: Actor) -> None:
    if offer is None:
        raise gone()
    if terms.place not in {None, Place(offer.start_time, offer.end_time)}:
        actor.must_be_staff("book another time than what is offered", param=START_TIME)
    if terms.table_id is not None and (terms.table_id,) != offer.table_ids:
        actor.must_be_staff("choose a table", param=TABLE)


def gone() -> OfferGoneError:
    """Make the refusal of what needs a live offer."""
    return OfferGoneError("the entry has no live offer: it ended, or there was none; it keeps its place in the queue")


def _what(entry: Entry, offer: Offer | None, terms: Terms) -> dict[str, Any]:
    """Answer where and when; a hold tells all that is not asked for otherwise."""
    if entry.event_instance_id is not None:
        return {"event_instance_id": entry.event_instance_id, "party_size": entry.party_size}
    place = terms.place
    if place is None:
        if offer is None:
            raise gone()
        place = Place(offer.start_time, offer.end_time)
    chosen = {} if terms.table_id is None else {"table_ids": [terms.table_id]}
    return {
        "location_id": entry.location_id,
        "start_time": time_text(place.start),
        "end_time": time_text(place.end),
        "party_size": entry.party_size,
        **chosen,
    }


def _guest(entry: Entry) -> dict[str, Any]:
    if entry.client_id is not None:
        return {"client_id": entry.client_id}
    contact = entry.contact
    if contact is None or contact.email is None:
        raise AssertionError("`check_convertible` refuses it")
    attendee = {"name": contact.name or contact.email, "email": contact.email, "phone": contact.phone}
    return {"attendee": attendee}
