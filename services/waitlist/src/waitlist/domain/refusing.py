"""What booking would not give entries, and whether that is of the place or of the guest.

Invariant: what is taken may be had by the same guest another time, so that it stands in the way of those behind as
anything that does not fit does; any other refusal stands in nobody's way.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from waitlist.domain.visits import Place

TAKEN = "slot_unavailable"
"""What booking answers when somebody else has the place."""

ALREADY_BOOKED = "already_booked"
"""What it answers when the guest has a booking of its own that begins then, or the entry has become one."""

OUTSIDE_AVAILABILITY = "outside_availability"
"""What it answers when nothing can be had at that time."""

HOLD_EXPIRED = "hold_expired"
"""What it answers when the hold that a booking is to be made of is gone."""

_OF_THE_START = frozenset({TAKEN, OUTSIDE_AVAILABILITY})


@dataclass(frozen=True)
class Refusal:
    """What booking answered when a place was asked for.

    Attributes:
        code: booking's word for programs.
        message: the same for people.
    """

    entry_id: str
    place: Place
    code: str
    message: str = ""

    @property
    def is_taken(self) -> bool:
        """Tell whether merely somebody else was quicker."""
        return self.code == TAKEN

    def covers(self, place: Place) -> bool:
        """Tell whether it holds for a place, too: what is wrong with the guest is wrong at any time.

        Who has a booking already is there while that lasts, though booking looks at when it begins alone.
        """
        if self.code == ALREADY_BOOKED:
            return self.place.overlaps(place)
        return self.code not in _OF_THE_START or self.place.start == place.start


class Refusals:
    """What booking refused, entry by entry.

    Args:
        found: all of it, the oldest first.
    """

    def __init__(self, found: Sequence[Refusal] = ()) -> None:
        self._of: dict[str, list[Refusal]] = {}
        for one in reversed(found):
            self._of.setdefault(one.entry_id, []).append(one)

    def of(self, entry_id: str, place: Place) -> Refusal | None:
        """Answer why an entry is not given a place, as booking said last; None if it was not refused."""
        return next((one for one in self._of.get(entry_id, ()) if one.covers(place)), None)
