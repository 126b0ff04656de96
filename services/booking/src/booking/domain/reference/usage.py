"""What keeps reference data from being lowered, altered or deleted: whatever uses it.

Invariant: a refusal tells what uses it, and how much of that there is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from booking.domain.errors import Flaw, Flaws, InUseError, ValidationFailedError
from booking.domain.reference.entities import Entity
from booking.domain.times import instant_text

_VERBS: Mapping[tuple[str, str], str] = {
    ("table", "location"): "stand at",
    ("table", "section"): "stand in",
    ("section", "location"): "belong to",
    ("service", "location"): "take place at",
    ("event instance", "location"): "take place at",
    ("event instance", "service"): "belong to",
    ("event type", "schedule"): "belong to",
    ("booking", "client"): "name",
    ("hold", "schedule"): "claim",
    ("hold", "table"): "claim",
}
_USES = "use"
"""The verb of every other pair."""


@dataclass(frozen=True)
class LaneUse:
    """A lane that bookings hold, and when the last of them ends, its buffers included."""

    lane: int
    until: datetime


@dataclass(frozen=True)
class Use:
    """How many of a kind use something, `noun` being what one of them is called, and when the last of them ends."""

    noun: str
    count: int
    until: datetime | None = None

    def told(self, used: str) -> str:
        """Tell it of what is used: `12 bookings use this schedule, the last until …`."""
        verb, *rest = _VERBS.get((self.noun, used), _USES).split()
        one = self.count == 1
        words = (str(self.count), self.noun if one else f"{self.noun}s", f"{verb}s" if one else verb, *rest, "this")
        last = "" if self.until is None else f", {'' if one else 'the last '}until {instant_text(self.until)}"
        return f"{' '.join(words)} {used}{last}"


def check_lanes(entity: Entity, highest_used: LaneUse | None) -> None:
    """Refuse a capacity that leaves out a lane in use: bookings there would be more than it allows.

    Args:
        entity: with the capacity it is to have.
        highest_used: the highest lane that is in use now or later.

    Raises:
        ValidationFailedError: that lane lies above the capacity.
    """
    if highest_used is not None and highest_used.lane > entity.lanes:
        told = f"must be at least {highest_used.lane}: lane {highest_used.lane} holds bookings until"
        raise ValidationFailedError(Flaw("capacity", f"{told} {instant_text(highest_used.until)}", "in_use"))


def check_kept(noun: str, changed: Iterable[str], before: Entity, uses: Sequence[Use]) -> None:
    """Refuse to change fields that stay as they are while anything uses what has them.

    Args:
        noun: what it is called.
        changed: the names of the fields.
        before: with the values that they have.
        uses: what uses it.

    Raises:
        ValidationFailedError: it is in use.
    """
    if uses:
        told = "; ".join(use.told(noun) for use in uses)
        flaws = Flaws()
        for field in changed:
            flaws.add(field, f"must stay {getattr(before, field)}: {told}", "in_use")
        flaws.tell()


def check_unused(noun: str, uses: Sequence[Use], *, closed: bool) -> None:
    """Refuse to delete what is in use.

    Args:
        noun: what it is called.
        uses: what uses it.
        closed: whether all of its time could be claimed; if not, somebody had some of it a moment ago.

    Raises:
        InUseError: it is in use.
    """
    if uses:
        counts = {f"{use.noun.replace(' ', '_')}s": use.count for use in uses}
        raise InUseError("; ".join(use.told(noun) for use in uses), details=counts)
    if not closed:
        raise InUseError(f"time of this {noun} is being taken or given up at this moment")
