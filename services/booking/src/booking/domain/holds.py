"""A hold: a short claim that blocks as a booking does until it is released, expires or becomes a booking.

Invariant: a hold that is past its expiry holds nothing, whether or not its row is gone (architecture.md section 4, I8).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from booking.domain.actors import Actor
from booking.domain.booking import Booking
from booking.domain.errors import Flaw, HoldExpiredError, ValidationFailedError
from booking.domain.visit import PLACES, Given, Visit, complete

LONGEST_MINUTES = 60
LONGEST_SERVICE_MINUTES = 48 * 60
"""How long another service may hold, for an offer from a waiting list (api.md section 2)."""


@dataclass(frozen=True, kw_only=True)
class Hold:
    """The record. Its fields are the columns of its table.

    Attributes:
        client_id: whose key made it, when that was a client's.
        table_ids: the tables that it has.
        tables_chosen: whether staff chose them.
        expires_at: from this instant on it holds nothing.
    """

    id: str
    org_id: str
    client_id: str | None
    schedule_id: str | None
    location_id: str | None
    event_type_id: str | None
    event_instance_id: str | None
    table_ids: tuple[str, ...]
    tables_chosen: bool
    party_size: int
    start_time: datetime
    end_time: datetime
    expires_at: datetime
    created_at: datetime


def check_minutes(minutes: int, actor: Actor) -> None:
    """Refuse a hold that would last too long.

    Raises:
        ValidationFailedError: it would.
    """
    longest = LONGEST_SERVICE_MINUTES if actor.name == "system" else LONGEST_MINUTES
    if minutes > longest:
        raise ValidationFailedError(Flaw("ttl_minutes", f"must be at most {longest}", "max_ttl"))


def hold_of(visit: Visit, actor: Actor, *, hold_id: str, minutes: int, now: datetime) -> Hold:
    """Make the hold of a visit that passed its checks, before its tables are found."""
    return Hold(
        id=hold_id,
        org_id=actor.org_id,
        client_id=actor.client_id,
        schedule_id=visit.schedule_id,
        location_id=visit.location_id,
        event_type_id=visit.event_type_id,
        event_instance_id=visit.event_instance_id,
        table_ids=(),
        tables_chosen=visit.table_ids is not None,
        party_size=visit.party_size,
        start_time=visit.start_time,
        end_time=visit.end_time,
        expires_at=(now + timedelta(minutes=minutes)).replace(microsecond=0),
        created_at=now,
    )


def check_live(hold: Hold | None, now: datetime) -> Hold:
    """Answer the hold that a booking is to be made of.

    Raises:
        HoldExpiredError: there is no such hold any more.
    """
    if hold is None or hold.expires_at <= now:
        raise HoldExpiredError("the hold has expired, was released or used, or never was", param="hold_id")
    return hold


def of_hold(given: Given, hold: Hold) -> Given:
    """Fill in what is held where the caller of a booking left it out; it may be for another time or party.

    When and where an event instance takes place is the instance's to tell.

    Raises:
        ValidationFailedError: the caller names another place than the hold's.
    """
    fixed = PLACES if hold.event_instance_id is None else ("event_instance_id",)
    free = ("start_time", "end_time", "party_size") if hold.event_instance_id is None else ("party_size",)
    base: dict[str, Any] = {name: getattr(hold, name) for name in (*fixed, *free)}
    return complete(given, base=base, fixed=fixed, owner="hold")


def leaves_free(hold: Hold, booking: Booking) -> bool:
    """Tell whether the booking that a hold became has less than was held, or something else."""
    if hold.event_instance_id is not None:
        return booking.spots < hold.party_size
    within = booking.start_time <= hold.start_time and hold.end_time <= booking.end_time
    return not (within and set(hold.table_ids) <= set(booking.table_ids))


def grant(hold: Hold, visit: Visit) -> Visit:
    """Answer the visit with the tables that were held, if it is just what was held; else as it is."""
    asked = (visit.start_time, visit.end_time, visit.party_size)
    if asked != (hold.start_time, hold.end_time, hold.party_size) or visit.table_ids not in {None, hold.table_ids}:
        return visit
    return replace(visit, table_ids=hold.table_ids, granted=True)
