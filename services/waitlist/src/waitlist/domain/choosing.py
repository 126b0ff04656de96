"""Whose turn it is: who of a queue is offered what is free, and why everybody else is not.

Invariants: nobody is passed over but for a reason of `SENTENCES`. Who let a place pass is asked for anything that
overlaps it only when every other entry that such a place fits has been asked (architecture.md section 6), and whoever
was asked least often may always be asked, so that no place is stranded; but what was passed for good stays passed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import chain

from waitlist.domain.entry import Entry
from waitlist.domain.passing import Passed
from waitlist.domain.policy import Policy, Way
from waitlist.domain.refusing import Refusals
from waitlist.domain.times import day_span
from waitlist.domain.visits import Facts, Gone, Need, Place, Spots, Tables, need_of, places


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
class Candidate:
    """An entry of the queue, as far as the choice goes.

    Attributes:
        offered: when what it is offered now is; None without an offer.
        offer_id: the offer that says so.
        notice: whether that is only the word that a place is free.
        converting: whether booking has been asked for its booking.
        bookable: whether it has all that a booking needs.
    """

    entry_id: str
    party_size: int
    window_start: datetime | None = None
    window_end: datetime | None = None
    offered: Place | None = None
    offer_id: str | None = None
    notice: bool = False
    converting: bool = False
    bookable: bool = True

    def is_as(self, entry: Entry) -> bool:
        """Tell whether its entry waits for the same still."""
        wanted = entry.party_size, entry.window_start, entry.window_end
        return wanted == (self.party_size, self.window_start, self.window_end)


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


@dataclass
class _Options:
    """What those can have whose turn it may be."""

    passed: Passed
    found: dict[str, list[Place]] = field(default_factory=dict)
    told: dict[str, list[Place]] = field(default_factory=dict)
    _least: dict[Place, int] = field(default_factory=dict)

    def may_have(self, entry_id: str, place: Place) -> bool:
        """Tell whether an entry may be asked for a place: it was asked no more often than any other who could be."""
        asked = self.passed.count(entry_id, place)
        return asked == 0 or asked <= self._least_of(place)

    def _least_of(self, place: Place) -> int:
        if place not in self._least:
            counts = (
                self.passed.count(entry_id, other)
                for entry_id, others in chain(self.found.items(), self.told.items())
                for other in others
                if place.overlaps(other)
            )
            self._least[place] = _least(counts)
        return self._least[place]


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
    options = _Options(passed)
    skipped: dict[str, Reason] = {}
    lost: list[str] = []
    moved: list[str] = []
    blocked = False
    for candidate in queue:
        found = _turn_of(candidate, facts, policy, now)
        if not isinstance(found, Reason):
            found = _not_yet_answered(candidate.entry_id, found, passed, refused)
        if _has_moved(candidate, facts):
            moved.append(candidate.entry_id)
        elif candidate.notice and candidate.offered is not None:
            options.told[candidate.entry_id] = _still_free(candidate, facts, policy, now)
            if not options.told[candidate.entry_id]:
                lost.append(candidate.entry_id)
        if isinstance(found, Reason):
            skipped[candidate.entry_id] = found
            blocked = blocked or (policy.strict_order and found not in _IN_NOBODYS_WAY)
        elif blocked:
            skipped[candidate.entry_id] = Reason.STRICT_ORDER
        else:
            options.found[candidate.entry_id] = found
    picks = _picks(queue, options, policy)
    return Choice(picks, skipped | _left(options, picks), lost, moved)


def _picks(queue: Sequence[Candidate], options: _Options, policy: Policy) -> list[Pick]:
    picks = []
    for candidate in queue:
        found = options.found.get(candidate.entry_id, ())
        place = next((one for one in found if options.may_have(candidate.entry_id, one)), None)
        if place is not None:
            picks.append(Pick(candidate, place))
            if policy.way is not Way.NOTIFY_ALL:
                break
    return picks


def _left(options: _Options, picks: Sequence[Pick]) -> dict[str, Reason]:
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


def _still_free(candidate: Candidate, facts: Facts, policy: Policy, now: datetime) -> list[Place]:
    """Answer the place that an entry was told of, if it is still free."""
    found = could_have(candidate, facts, policy, now)
    if isinstance(found, Reason) or candidate.offered is None:
        return []
    return [place for place in found if place.start == candidate.offered.start]


def _least(counts: Iterable[int]) -> int:
    """Answer the least of some counts, of which many are 0: nothing is less."""
    least = None
    for count in counts:
        if count == 0:
            return 0
        least = count if least is None else min(least, count)
    return least or 0


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


def untold(queue: Iterable[Candidate], facts: Facts, now: datetime) -> bool:
    """Tell whether somebody in a queue needs what booking was not asked about: who came or changed since."""
    if not isinstance(facts, Tables):
        return False
    needs = (need_at(candidate, facts) for candidate in queue)
    return any(need is not None and need.latest_start >= now and not facts.tells(need, now) for need in needs)


def need_at(candidate: Candidate, facts: Tables) -> Need | None:
    """Tell what an entry needs of a location; None where it is closed."""
    return need_of(
        facts.location,
        facts.opened,
        party_size=candidate.party_size,
        start=candidate.window_start,
        end=candidate.window_end,
    )


def _spots(candidate: Candidate, facts: Spots, policy: Policy, now: datetime) -> list[Place] | Reason:
    instance = facts.instance
    if now >= policy.cut_off(instance.start_time):
        return Reason.TOO_LATE
    if candidate.party_size > facts.left:
        return Reason.TOO_FEW_SPOTS
    return [Place(instance.start_time, instance.end_time)]
