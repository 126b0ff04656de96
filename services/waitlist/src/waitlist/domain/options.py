"""What those can have whose turn it may be, and who of them was asked least often.

Invariant: whoever was asked least often for a place, among all who could have something that overlaps it, may be asked.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain

from waitlist.domain.passing import Passed
from waitlist.domain.visits import Place


@dataclass
class Options:
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


def _least(counts: Iterable[int]) -> int:
    """Answer the least of some counts, of which many are 0: nothing is less."""
    least = None
    for count in counts:
        if count == 0:
            return 0
        least = count if least is None else min(least, count)
    return least or 0
