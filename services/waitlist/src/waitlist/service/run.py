"""One match of a queue, as far as it has come.

Invariant: what is known of the place is from one moment, but for what the match itself gave away since.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto

from chassis.origin import Origin
from waitlist.domain.policy import Policy
from waitlist.domain.refusing import Refusal
from waitlist.domain.visits import Facts


@dataclass
class Run:
    """One match of a queue.

    Attributes:
        facts: what booking told, less what was offered since.
        policy: that of the place.
        waited: who waited before booking was asked.
        offered: the offers that were open before booking was asked.
        fresh: whether nothing was offered since booking told.
        refused: what booking would not give just now.
        rounds: the rounds that began with it, by when their places start.
    """

    org_id: str
    queue: str
    origin: Origin
    facts: Facts
    policy: Policy
    waited: frozenset[str]
    offered: frozenset[str]
    fresh: bool = True
    refused: list[Refusal] = field(default_factory=list)
    rounds: dict[datetime, str] = field(default_factory=dict)


class Step(Enum):
    """What else can come of looking for the next in turn."""

    DONE = auto()
    AGAIN = auto()
    ASK_ANEW = auto()
    OTHERS_AT_IT = auto()
