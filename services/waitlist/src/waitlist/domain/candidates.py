"""Those who may be asked, and what they need of a location.

Invariant: a candidate is an entry as it was when the queue was read; what it waits for may be another thing by now.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from waitlist.domain.entry import Entry
from waitlist.domain.visits import Facts, Need, Place, Tables, need_of


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
