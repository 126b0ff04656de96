"""Places that entries let pass, as long as nobody else has taken them.

Invariant: a place is a stretch of time: whoever let one pass has let pass whatever overlaps it, as another start of the
same tables is the same place to those who wait for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from waitlist.domain.visits import Place


@dataclass(frozen=True)
class Pass:
    """One place that an entry let pass.

    Attributes:
        round: the id of the first offer of the place, as it is passed on until somebody takes it.
    """

    entry_id: str
    place: Place
    round: str


@dataclass(frozen=True)
class Passed:
    """What was let pass in a queue, the oldest first."""

    found: Sequence[Pass] = ()
    _of: dict[str, list[Place]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        for one in self.found:
            self._of.setdefault(one.entry_id, []).append(one.place)

    def count(self, entry_id: str, place: Place) -> int:
        """Tell how often an entry let a place pass."""
        return sum(place.overlaps(one) for one in self._of.get(entry_id, ()))

    def round_of(self, place: Place) -> str | None:
        """Tell which round goes on where a place is offered; None if one begins with it."""
        return next((one.round for one in self.found if place.overlaps(one.place)), None)

    def starts_of(self, entry_id: str) -> list[datetime]:
        """Tell which starts an entry let pass, each once and in order."""
        return sorted({place.start for place in self._of.get(entry_id, ())})
