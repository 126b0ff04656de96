"""One match of a queue, as far as it has come.

Invariant: what is known of the place is from one moment, but for what the match itself gave away since.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, auto

from chassis.origin import Origin
from waitlist.domain.choosing import Pick
from waitlist.domain.refusing import Refusal
from waitlist.domain.visits import less
from waitlist.service.knowing import Known


@dataclass
class Run:
    """One match of a queue.

    Attributes:
        known: what is known of the place, less what was given away since.
        fresh: whether nothing was given away since booking told.
        refused: what booking would not give just now.
        rounds: the rounds that began with it, by when their places start.
    """

    org_id: str
    queue: str
    origin: Origin
    known: Known
    fresh: bool = True
    refused: list[Refusal] = field(default_factory=list)
    rounds: dict[datetime, str] = field(default_factory=dict)

    def learn(self, known: Known) -> None:
        """Go on from what booking told anew."""
        self.known = known
        self.fresh = True

    def give_away(self, pick: Pick) -> None:
        """Take what a pick got from what is known to be free: what booking told is fresh no more."""
        self.known = replace(self.known, facts=less(self.known.facts, pick.party_size, pick.place))
        self.fresh = False


class Step(Enum):
    """What else can come of looking for the next in turn."""

    DONE = auto()
    AGAIN = auto()
    ASK_ANEW = auto()
    OTHERS_AT_IT = auto()
