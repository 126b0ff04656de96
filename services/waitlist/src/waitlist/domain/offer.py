"""The offer: a place held for one entry until a deadline; or, under `notify_all`, the word that a place is free.

Invariants: an offer's state changes only along an edge of `TRANSITIONS`; from its deadline on it is dead, whether or
not anybody has looked since (architecture.md section 4, I8).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from waitlist.domain.entry import Entry
from waitlist.domain.policy import MAX_OFFER_MINUTES
from waitlist.domain.status import Status

LEASE = timedelta(seconds=20)
"""For how long who asks booking for something has it in hand; longer than any answer may take."""

_MINUTE = timedelta(minutes=1)


class OfferState(StrEnum):
    """Where an offer stands."""

    REQUESTED = "requested"
    LIVE = "live"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


TRANSITIONS: Mapping[OfferState, frozenset[OfferState]] = {
    OfferState.REQUESTED: frozenset({OfferState.LIVE, OfferState.FAILED, OfferState.WITHDRAWN}),
    OfferState.LIVE: frozenset({OfferState.ACCEPTED, OfferState.DECLINED, OfferState.EXPIRED, OfferState.WITHDRAWN}),
    OfferState.ACCEPTED: frozenset(),
    OfferState.DECLINED: frozenset(),
    OfferState.EXPIRED: frozenset(),
    OfferState.FAILED: frozenset(),
    OfferState.WITHDRAWN: frozenset(),
}


@dataclass(frozen=True)
class Held:
    """A hold that booking made."""

    hold_id: str
    table_ids: tuple[str, ...]
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Offer:
    """The record. Its fields are the columns of its table.

    Attributes:
        attempt: its number among those that the guest was told of; 0 before that.
        round: the id of the first offer of the place, as it is passed on until somebody takes it.
        held: whether it has the place to itself; a notice of `notify_all` does not.
        title: the event instance's.
        table_ids: the tables that booking holds.
        hold_minutes: for how long booking is asked to hold it.
        hold_open: whether the hold may be there yet, and has to be given back if the offer has ended.
        leaves: whether who lets it pass waits no more.
        made_by: who made it: the staff by hand, or the match.
        request_id: what its events are tied together by.
        traceparent: the trace context that goes on with them.
        leased_until: until when a requested one is in the hands of who asked for its hold.
        once_scope: where the answer is kept to whoever asked for it with an Idempotency-Key.
        once_fingerprint: of the body that the key came with.
    """

    id: str
    org_id: str
    entry_id: str
    queue: str
    attempt: int = 0
    round: str
    held: bool
    start_time: datetime
    end_time: datetime
    party_size: int
    title: str | None
    table_ids: tuple[str, ...] = ()
    hold_minutes: int
    hold_id: str | None = None
    hold_open: bool = False
    leaves: bool
    state: OfferState
    expires_at: datetime
    made_by: Literal["staff", "system"]
    request_id: str
    traceparent: str | None = None
    leased_until: datetime
    once_scope: bytes | None = None
    once_fingerprint: bytes | None = None

    @property
    def was_told(self) -> bool:
        """Tell whether the guest was told of it."""
        return self.attempt > 0

    def is_live(self, now: datetime) -> bool:
        """Tell whether it can be accepted."""
        return self.state is OfferState.LIVE and self.expires_at > now


def moved(offer: Offer, state: OfferState) -> Offer:
    """Bring an offer to another state."""
    if state not in TRANSITIONS[offer.state]:
        raise AssertionError(f"an offer that is {offer.state} never becomes {state}")
    return replace(offer, state=state)


def accepted(offer: Offer, *, used_up: bool) -> Offer:
    """End an offer with a booking.

    Args:
        offer: the live offer.
        used_up: whether its hold is known to have gone into the booking; else it is to be given back.
    """
    return replace(moved(offer, OfferState.ACCEPTED), hold_open=offer.hold_open and not used_up)


def hold_minutes(now: datetime, expires_at: datetime) -> int:
    """Tell for how many minutes a place is to be held, so that the hold outlasts the offer where it can."""
    return min(-((now - expires_at) // _MINUTE) + 1, MAX_OFFER_MINUTES)


def answered(offer: Offer, entry: Entry, held: Held, now: datetime) -> Offer:
    """Tell what becomes of a requested offer whose place is held now.

    It goes live unless the entry is not there to be asked any more, or asks for something else by now, or the time is
    over: then the hold is to be given back.
    """
    taken = replace(
        offer,
        hold_id=held.hold_id,
        hold_open=True,
        table_ids=held.table_ids,
        expires_at=min(offer.expires_at, held.expires_at),
    )
    wanted = entry.status is Status.WAITING and entry.party_size == offer.party_size and _lies_inside(offer, entry)
    return moved(taken, OfferState.LIVE if wanted and taken.expires_at > now else OfferState.WITHDRAWN)


def late(offer: Offer, held: Held) -> Offer:
    """Tell what is known of an offer that somebody else has carried out: a hold that it does not know is in the way."""
    if offer.hold_id is not None or offer.state in {OfferState.LIVE, OfferState.ACCEPTED}:
        return offer
    return replace(offer, hold_id=held.hold_id, hold_open=True)


def _lies_inside(offer: Offer, entry: Entry) -> bool:
    if offer.made_by == "staff":
        return True  # they offer what they see fit
    starts_in_time = entry.window_start is None or entry.window_start <= offer.start_time
    return starts_in_time and (entry.window_end is None or offer.end_time <= entry.window_end)
