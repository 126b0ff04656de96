"""A hold: a short claim that blocks as a booking does until it is released, expires or becomes a booking.

Invariant: a hold that is past its expiry holds nothing, whether or not its row is gone (architecture.md section 4, I8).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from booking.domain.actors import Actor
from booking.domain.errors import Flaw, HoldExpiredError, ValidationFailedError
from booking.domain.times import Span
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
    party_size: int
    start_time: datetime
    end_time: datetime
    expires_at: datetime
    created_at: datetime

    @property
    def span(self) -> Span:
        """What is held, without buffers."""
        return Span(self.start_time, self.end_time)


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

    Raises:
        ValidationFailedError: the caller names another place than the hold's.
    """
    base: dict[str, Any] = {name: getattr(hold, name) for name in (*PLACES, "start_time", "end_time", "party_size")}
    if hold.table_ids and given.get("party_size") in {None, hold.party_size}:
        base["table_ids"] = hold.table_ids
    return complete(given, base=base, fixed=PLACES, owner="hold")
