"""Why an entry has not been offered anything: what the match decides about it, told with the rules behind it.

Invariant: whose turn it is and what fits is asked of `choosing` alone, so that what is told is what a match would do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from waitlist.domain.candidates import Candidate, need_at
from waitlist.domain.choosing import SENTENCES, Choice, Reason, choose, could_have
from waitlist.domain.entry import Entry
from waitlist.domain.offer import Offer
from waitlist.domain.passing import Passed
from waitlist.domain.policy import Policy
from waitlist.domain.refusing import Refusals
from waitlist.domain.status import Status
from waitlist.domain.times import time_text
from waitlist.domain.visits import Facts, Spots, Tables


class Also(StrEnum):
    """What a match does not tell of an entry, for it has nothing to decide there."""

    ITS_TURN = "its_turn"
    OFFER_OVER = "offer_over"
    PARTY_TOO_LARGE = "party_too_large"
    CONVERTED = "converted"
    EXPIRED = "expired"
    REMOVED = "removed"


class Rule(StrEnum):
    """By what an entry is offered nothing."""

    STATUS = "status"
    ONE_AT_A_TIME = "one_at_a_time"
    DEADLINE = "deadline"
    CUTOFF = "cutoff"
    OPENING_HOURS = "opening_hours"
    CAPACITY = "capacity"
    AUTO_CONVERT = "auto_convert"
    BOOKING = "booking"
    STRICT_ORDER = "strict_order"
    ASKED_AGAIN_LAST = "asked_again_last"
    NOT_ASKED_AGAIN = "not_asked_again"
    TURN = "turn"


_JOIN = "joining anew"

RULES: Mapping[Reason | Also, tuple[Rule, str]] = {
    Reason.ASKED: (Rule.ONE_AT_A_TIME, "an answer to the offer, or its deadline"),
    Reason.CONVERTING: (Rule.ONE_AT_A_TIME, "the answer to the booking that was asked for"),
    Reason.CANCELLED: (Rule.STATUS, "nothing; the entry leaves the waitlist"),
    Reason.CLOSED: (Rule.OPENING_HOURS, "other opening hours on that date, or another window"),
    Reason.TOO_LATE: (Rule.CUTOFF, "a later end of its window or fewer cutoffMinutes, before it leaves the waitlist"),
    Reason.NOTHING_FREE: (Rule.CAPACITY, "a table that falls free, or another window"),
    Reason.TOO_FEW_SPOTS: (Rule.CAPACITY, "spots that fall free, or a smaller party"),
    Reason.TAKEN_MEANWHILE: (Rule.CAPACITY, "something that falls free again"),
    Reason.REFUSED: (Rule.BOOKING, "what booking names being put right, or another window"),
    Reason.UNREACHABLE: (Rule.AUTO_CONVERT, "an email in its contact, or another policy"),
    Reason.STRICT_ORDER: (Rule.STRICT_ORDER, "those ahead being served or leaving, or a policy without strictOrder"),
    Reason.LET_GO: (Rule.ASKED_AGAIN_LAST, "the others being asked, or something else that falls free"),
    Reason.LET_GO_FOR_GOOD: (
        Rule.NOT_ASKED_AGAIN,
        "something that falls free at that time, another party size or window, or another policy",
    ),
    Reason.BEHIND: (Rule.TURN, "those ahead letting it go or leaving, more that falls free, or a higher priority"),
    Also.ITS_TURN: (Rule.TURN, "nothing; the next match, due within moments, makes the offer"),
    Also.OFFER_OVER: (Rule.DEADLINE, "nothing; the next match, due within moments, ends the offer"),
    Also.PARTY_TOO_LARGE: (Rule.CAPACITY, "a smaller party, or larger tables that fall free"),
    Also.CONVERTED: (Rule.STATUS, _JOIN),
    Also.EXPIRED: (Rule.STATUS, _JOIN),
    Also.REMOVED: (Rule.STATUS, _JOIN),
}
"""The rule behind each reason, and what would change it."""

_SENTENCES: Mapping[Also, str] = {
    Also.ITS_TURN: "it is next, and about to be offered what is free",
    Also.OFFER_OVER: "its offer is past the deadline, and about to be ended",
    Also.PARTY_TOO_LARGE: "a table is free inside its window, but none for so large a party",
    Also.CONVERTED: "it has become a booking",
    Also.EXPIRED: "it is over: its time has passed, or it let an offer go and the policy says that it leaves then",
    Also.REMOVED: "it was taken off the waitlist",
}

_ENDS = {Status.CONVERTED: Also.CONVERTED, Status.EXPIRED: Also.EXPIRED, Status.REMOVED: Also.REMOVED}
_FITS = {Reason.BEHIND, Reason.LET_GO}


@dataclass(frozen=True)
class Because:
    """Why an entry is offered nothing.

    Attributes:
        details: what the rule looked at, in the words of the API.
    """

    code: Reason | Also
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The reason in words."""
        return SENTENCES[self.code] if isinstance(self.code, Reason) else _SENTENCES[self.code]

    @property
    def rule(self) -> Rule:
        """What gave it."""
        return RULES[self.code][0]

    @property
    def remedy(self) -> str:
        """What would change it."""
        return RULES[self.code][1]


@dataclass(frozen=True)
class Situation:
    """Where a queue stands, and what is free for it.

    Attributes:
        queue: all that have a place in it, in turn.
        offer: what the entry in question is being offered.
        refused: what booking would not give, when it was asked last.
    """

    queue: Sequence[Candidate]
    passed: Passed
    offer: Offer | None
    facts: Facts
    policy: Policy
    refused: Refusals = field(default_factory=Refusals)


def alone(candidate: Candidate) -> Candidate:
    """Tell for whom booking is asked, too, to learn whether a party is only too large: somebody who comes alone."""
    return replace(candidate, party_size=1)


def ended(entry: Entry) -> list[Because]:
    """Tell why an entry that waits no more is offered nothing."""
    told = {Also.CONVERTED: {"bookingId": entry.booking_id}}
    return [Because(_ENDS[entry.status], told.get(_ENDS[entry.status], {}))]


def explain(entry_id: str, seen: Situation, *, now: datetime) -> list[Because]:
    """Tell why an entry that waits is offered nothing, the decisive reason first.

    Args:
        entry_id: the entry, which is in the queue.
        seen: where the queue stands; booking was also asked for `alone`.
        now: the current instant.
    """
    offer = seen.offer
    if offer is not None and offer.expires_at <= now:
        return [Because(Also.OFFER_OVER, _offered(offer))]
    choice = choose(seen.queue, seen.facts, seen.policy, seen.passed, refused=seen.refused, now=now)
    number = next(number for number, one in enumerate(seen.queue) if one.entry_id == entry_id)
    candidate = seen.queue[number]
    code = choice.skipped.get(entry_id, Also.ITS_TURN)
    found = [Because(code, _details(code, candidate, seen, now) | _ahead(code, choice, seen.queue[:number]))]
    if code is Reason.NOTHING_FREE and _is_too_large(candidate, seen, now):
        found.append(Because(Also.PARTY_TOO_LARGE, {"partySize": candidate.party_size}))
    return found


def _is_too_large(candidate: Candidate, seen: Situation, now: datetime) -> bool:
    return not isinstance(could_have(alone(candidate), seen.facts, seen.policy, now), Reason)


def _ahead(code: Reason | Also, choice: Choice, ahead: Sequence[Candidate]) -> dict[str, int]:
    """Count those ahead, and those of them whom something fits that is free."""
    if code not in {Reason.BEHIND, Reason.STRICT_ORDER}:
        return {}
    picked = {pick.entry_id for pick in choice.picks}
    fitting = [one for one in ahead if one.entry_id in picked or choice.skipped.get(one.entry_id) in _FITS]
    return {"ahead": len(ahead), "aheadWhomItFits": len(fitting)}


def _details(code: Reason | Also, candidate: Candidate, seen: Situation, now: datetime) -> dict[str, Any]:
    match code:
        case Reason.ASKED if seen.offer is not None:
            return _offered(seen.offer)
        case Reason.TOO_LATE:
            return {"cutoffMinutes": seen.policy.cutoff_minutes}
        case Reason.TOO_FEW_SPOTS if isinstance(seen.facts, Spots):
            return {"partySize": candidate.party_size, "spotsLeft": max(seen.facts.left, 0)}
        case Reason.NOTHING_FREE if isinstance(seen.facts, Tables):
            return _needed(candidate, seen.facts)
        case Reason.REFUSED | Reason.LET_GO | Reason.LET_GO_FOR_GOOD:
            let_go = {"startTimes": [time_text(start) for start in seen.passed.starts_of(candidate.entry_id)]}
            return _refused(candidate, seen, now) if code is Reason.REFUSED else let_go
        case _:
            return {}


def _needed(candidate: Candidate, tables: Tables) -> dict[str, Any]:
    need = need_at(candidate, tables)
    if need is None:
        return {}
    window = need.window
    return {"from": time_text(window.start), "to": time_text(window.end), "minutes": need.minutes}


def _refused(candidate: Candidate, seen: Situation, now: datetime) -> dict[str, Any]:
    """Tell what booking said to the earliest of what is free now; what it said to anything else is over."""
    found = could_have(candidate, seen.facts, seen.policy, now)
    for place in () if isinstance(found, Reason) else found:
        refusal = seen.refused.of(candidate.entry_id, place)
        if refusal is not None and not seen.passed.is_for_good(candidate.entry_id, place):
            return {"refusal": refusal.code, "message": refusal.message}
    raise AssertionError("who is refused is refused something that is free")


def _offered(offer: Offer) -> dict[str, Any]:
    return {"startTime": time_text(offer.start_time), "expiresAt": time_text(offer.expires_at)}
