"""Whose turn it is: who of a queue is offered what is free, and why everybody else is not.

Invariants: nobody is passed over but for a reason of `SENTENCES`. Who let a place pass is asked for anything that
overlaps it only when every other entry that such a place fits has been asked (architecture.md section 6), and whoever
was asked least often may always be asked, so that no place is stranded; but what was passed for good stays passed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from waitlist.domain.candidates import Candidate, need_at
from waitlist.domain.options import Options
from waitlist.domain.passing import Passed
from waitlist.domain.policy import Policy, Way
from waitlist.domain.refusing import Refusals
from waitlist.domain.times import day_span
from waitlist.domain.visits import Facts, Gone, Place, Spots, places


class Reason(StrEnum):
    """Why an entry is not offered anything."""

    ASKED = "asked"
    CONVERTING = "converting"
    CANCELLED = "cancelled"
    CLOSED = "closed"
    TOO_LATE = "too_late"
    NOTHING_FREE = "nothing_free"
    TOO_FEW_SPOTS = "too_few_spots"
    TAKEN_MEANWHILE = "taken_meanwhile"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    STRICT_ORDER = "strict_order"
    LET_GO = "let_go"
    LET_GO_FOR_GOOD = "let_go_for_good"
    BEHIND = "behind"


SENTENCES: Mapping[Reason, str] = {
    Reason.ASKED: "it has an offer already, which has to be answered first",
    Reason.CONVERTING: "it is becoming a booking right now",
    Reason.CANCELLED: "what it waits for does not take place",
    Reason.CLOSED: "the location is not open in its window",
    Reason.TOO_LATE: "it is past the cut-off of everything that it could have",
    Reason.NOTHING_FREE: "nothing is free for its party inside its window",
    Reason.TOO_FEW_SPOTS: "fewer spots are free than its party needs",
    Reason.TAKEN_MEANWHILE: "what it could have was taken before it could be held",
    Reason.REFUSED: "booking does not give it what is free",
    Reason.UNREACHABLE: "it has neither a client nor an email, so it cannot become a booking by itself",
    Reason.STRICT_ORDER: "an entry ahead of it cannot be served, and the policy keeps a strict order",
    Reason.LET_GO: "it let what is free go by, and others whom it fits have not been asked yet",
    Reason.LET_GO_FOR_GOOD: "it declined what is free, or let it go by too often, and nothing fell free there since",
    Reason.BEHIND: "what is free is offered to those ahead of it first",
}
"""What each reason is told with."""

ENDED = frozenset({Reason.CANCELLED, Reason.TOO_LATE})
"""Why an entry will never be offered anything."""

_IN_NOBODYS_WAY = ENDED | {
    Reason.ASKED,
    Reason.CONVERTING,
    Reason.CLOSED,
    Reason.UNREACHABLE,
    Reason.REFUSED,
    Reason.LET_GO_FOR_GOOD,
}
"""What does not stop those behind, even in strict order: the entry has had its turn, or cannot have one."""


@dataclass(frozen=True)
class Pick:
    """Who is offered what."""

    candidate: Candidate
    place: Place

    @property
    def entry_id(self) -> str:
        """The entry."""
        return self.candidate.entry_id

    @property
    def party_size(self) -> int:
        """For how many the place is."""
        return self.candidate.party_size


@dataclass(frozen=True)
class Choice:
    """What is offered now, and why all others of the queue are offered nothing.

    Attributes:
        lost: who was told that a place is free, which is not free any more.
        moved: who is offered spots of an event instance at times that it does not have any more.
    """

    picks: Sequence[Pick]
    skipped: Mapping[str, Reason]
    lost: Sequence[str] = ()
    moved: Sequence[str] = ()


def choose(
    queue: Sequence[Candidate],
    facts: Facts,
    policy: Policy,
    passed: Passed,
    *,
    refused: Refusals,
    now: datetime,
) -> Choice:
    """Choose who is offered what.

    Args:
        queue: all that have a place in it, in turn.
        facts: what is free.
        policy: that of the place.
        passed: what was let pass.
        refused: what booking would not give.
        now: the current instant.
    """
    options, skipped, blocked = Options(passed), dict[str, Reason](), False
    for candidate in queue:
        found = _turn_of(candidate, facts, policy, now)
        if not isinstance(found, Reason):
            found = _not_yet_answered(candidate.entry_id, found, passed, refused)
        if blocked and not isinstance(found, Reason):
            found = Reason.STRICT_ORDER
        if isinstance(found, Reason):
            skipped[candidate.entry_id] = found
            blocked = blocked or (policy.strict_order and found not in _IN_NOBODYS_WAY)
        else:
            options.found[candidate.entry_id] = found
    moved = [one.entry_id for one in queue if _has_moved(one, facts)]
    options.told = _told(queue, facts, policy, now)
    lost = [entry_id for entry_id, free in options.told.items() if not free]
    picks = _picks(queue, options, policy)
    return Choice(picks, skipped | _left(options, picks), lost, moved)


def _picks(queue: Sequence[Candidate], options: Options, policy: Policy) -> list[Pick]:
    picks = []
    for candidate in queue:
        found = options.found.get(candidate.entry_id, ())
        place = next((one for one in found if options.may_have(candidate.entry_id, one)), None)
        if place is not None:
            picks.append(Pick(candidate, place))
            if policy.way is not Way.NOTIFY_ALL:
                break
    return picks


def _left(options: Options, picks: Sequence[Pick]) -> dict[str, Reason]:
    """Tell why those who could have something are not asked."""
    left: dict[str, Reason] = {}
    picked, reached = {pick.entry_id for pick in picks}, False
    for entry_id in options.found:
        if entry_id in picked:
            reached = True
        else:
            left[entry_id] = Reason.BEHIND if reached else Reason.LET_GO
    return left


def _turn_of(candidate: Candidate, facts: Facts, policy: Policy, now: datetime) -> list[Place] | Reason:
    """Answer what an entry could have, or why it cannot be asked."""
    if candidate.converting:
        return Reason.CONVERTING
    if isinstance(facts, Gone) or (isinstance(facts, Spots) and facts.instance.cancelled):
        return Reason.CANCELLED
    if candidate.offered is not None:
        return Reason.ASKED
    found = could_have(candidate, facts, policy, now)
    if isinstance(found, Reason):
        return found
    if policy.way is Way.AUTO_CONVERT and not candidate.bookable:
        return Reason.UNREACHABLE
    return found


def _not_yet_answered(entry_id: str, found: Sequence[Place], passed: Passed, refused: Refusals) -> list[Place] | Reason:
    """Answer what is left of what an entry could have: neither it nor booking has said no to that for good."""
    wanted = [place for place in found if not passed.is_for_good(entry_id, place)]
    if not wanted:
        return Reason.LET_GO_FOR_GOOD
    refusals = {place: refused.of(entry_id, place) for place in wanted}
    left = [place for place in wanted if refusals[place] is None]
    if left:
        return left
    taken = any(refusal.is_taken for refusal in refusals.values() if refusal is not None)
    return Reason.TAKEN_MEANWHILE if taken else Reason.REFUSED


def _has_moved(candidate: Candidate, facts: Facts) -> bool:
    """Tell whether an entry is offered spots at other times than those of the event instance."""
    if candidate.offered is None or not isinstance(facts, Spots):
        return False
    return candidate.offered != Place(facts.instance.start_time, facts.instance.end_time)


def _told(queue: Sequence[Candidate], facts: Facts, policy: Policy, now: datetime) -> dict[str, list[Place]]:
    """Answer what is left of the places that entries were told of, and that are where they were."""
    return {
        one.entry_id: _still_free(one, one.offered, facts, policy, now)
        for one in queue
        if one.notice and one.offered is not None and not _has_moved(one, facts)
    }


def _still_free(candidate: Candidate, offered: Place, facts: Facts, policy: Policy, now: datetime) -> list[Place]:
    """Answer the place that an entry was told of, if it is still free."""
    found = could_have(candidate, facts, policy, now)
    return [] if isinstance(found, Reason) else [place for place in found if place.start == offered.start]


def could_have(candidate: Candidate, facts: Facts, policy: Policy, now: datetime) -> list[Place] | Reason:
    """Tell what is free that fits an entry, the earliest first, whoever's turn it is; or why there is nothing."""
    if isinstance(facts, Gone):
        return Reason.CANCELLED
    if isinstance(facts, Spots):
        return _spots(candidate, facts, policy, now)
    need = need_at(candidate, facts)
    if need is None:
        over = now >= day_span(facts.day, facts.timezone).end
        return Reason.TOO_LATE if over else Reason.CLOSED
    if now >= policy.cut_off(need.latest_start):
        return Reason.TOO_LATE
    found = [place for place in places(need, facts.free) if now < policy.cut_off(place.start)]
    return found or Reason.NOTHING_FREE


def _spots(candidate: Candidate, facts: Spots, policy: Policy, now: datetime) -> list[Place] | Reason:
    instance = facts.instance
    if now >= policy.cut_off(instance.start_time):
        return Reason.TOO_LATE
    if candidate.party_size > facts.left:
        return Reason.TOO_FEW_SPOTS
    return [Place(instance.start_time, instance.end_time)]
