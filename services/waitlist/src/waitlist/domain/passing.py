"""Places that entries let pass, as long as nobody else has taken them.

Invariant: a place is a stretch of time: whoever let one pass has let pass whatever overlaps it, as another start of the
same tables is the same place to those who wait for it. What is passed for good is not offered again without a reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from waitlist.domain.visits import Place

EXPIRIES_IN_A_ROW = 3
"""How often an entry may let the time of a place run out, before that is for good."""


@dataclass(frozen=True)
class Pass:
    """One place that an entry let pass.

    Attributes:
        round: the id of the first offer of the place, as it is passed on until somebody takes it.
        declined: whether it said so; otherwise time ran out.
        reopened: whether since then something fell free there, or the entry or the policy changed.
    """

    entry_id: str
    place: Place
    round: str
    declined: bool = False
    reopened: bool = False


@dataclass(frozen=True)
class Passed:
    """What was let pass in a queue, the oldest first."""

    found: Sequence[Pass] = ()
    _of: dict[str, list[Pass]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        for one in self.found:
            self._of.setdefault(one.entry_id, []).append(one)

    def count(self, entry_id: str, place: Place) -> int:
        """Tell how often an entry let a place pass."""
        return sum(place.overlaps(one.place) for one in self._of.get(entry_id, ()))

    def is_for_good(self, entry_id: str, place: Place) -> bool:
        """Tell whether an entry is not to be offered a place again: it declined it, or let it expire too often."""
        there = [one for one in self._of.get(entry_id, ()) if not one.reopened and place.overlaps(one.place)]
        return len(there) >= EXPIRIES_IN_A_ROW or any(one.declined for one in there)

    def round_of(self, place: Place) -> str | None:
        """Tell which round goes on where a place is offered; None if one begins with it."""
        return next((one.round for one in self.found if place.overlaps(one.place)), None)

    def starts_of(self, entry_id: str) -> list[datetime]:
        """Tell which starts an entry let pass, each once and in order."""
        return sorted({one.place.start for one in self._of.get(entry_id, ())})
