"""What was true of each appointment at Cal.com, and when, against which all that is told of it is held.

Invariant: it follows from what the test itself did, never from an answer of the API. What is told was true, whole, at
one instant that the reader could still see, and never before the one at which what was told last was true.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from calcom_sync.domain.status import GRACE
from slotwire_contracts import CalcomBooking
from support.calcom import Booking, Fate, Life, fates

Truth = Mapping[str, Any]


@dataclass
class Truths:
    """All that was true of a life.

    Attributes:
        life: whose instants are noted; one that is not was never there.
    """

    life: Life
    _instants: list[datetime] = field(default_factory=list)
    _noted: list[Mapping[str, Fate]] = field(default_factory=list)
    _told: dict[str, int] = field(default_factory=dict)

    def note(self) -> None:
        """Note what is true now: whenever something has happened."""
        self._instants.append(self.life.now)
        self._noted.append(fates(self.life))

    def chain_of(self, uid: str) -> str:
        """The appointment to which a uid belongs."""
        return next(chain.id for chain in self.life.chains() if uid in chain.uids)

    def agrees(self, chain_id: str, said: Truth, *, since: datetime, at: datetime, may_go_back: bool = False) -> bool:
        """Whether what is said of an appointment was true since an instant, and no longer ago than what was said last.

        Args:
            chain_id: of which one.
            said: some of what `truth` tells, or all.
            since: how far back the reader may have looked.
            at: when it was said.
            may_go_back: whether it may be longer ago than that after all.
        """
        first = max(bisect_right(self._instants, since) - 1, 0 if may_go_back else self._told.get(chain_id, 0), 0)
        for place in range(first, bisect_right(self._instants, at)):
            fate = self._noted[place].get(chain_id)
            if fate is not None and is_so(said, fate, at):
                self._told[chain_id] = place
                return True
        return False


def truth(fate: Fate, now: datetime) -> dict[str, Any]:
    """What must be known of an appointment; of one that was deleted only that it is off."""
    if fate.is_deleted:
        return {"status": "CANCELLED"}
    booking = fate.booking
    return {
        "status": _status(booking, now),
        "uid": booking.uid,
        "start_time": booking.start,
        "end_time": booking.end,
        "title": booking.title,
        "party_size": max(1, len(booking.attendees)),
        "attendees": sorted((each.email, each.absent) for each in booking.attendees),
        "absent_host": booking.absent_host,
    }


def is_so(said: Truth, fate: Fate, now: datetime) -> bool:
    """Whether what is said of an appointment is true."""
    true = truth(fate, now)
    return all(true[name] == said[name] for name in true.keys() & said.keys())


def shown(snapshot: CalcomBooking) -> dict[str, Any]:
    """What a snapshot says."""
    attendees = sorted((each.email, each.absent) for each in snapshot.attendees)
    names = ("uid", "start_time", "end_time", "title", "party_size", "absent_host")
    return {"status": snapshot.status.value, "attendees": attendees} | {name: getattr(snapshot, name) for name in names}


def _status(booking: Booking, now: datetime) -> str:
    """What a booking is in our words (scheduling.md section 2)."""
    if booking.status in {"pending", "awaiting_host"}:
        return "PENDING"
    if booking.is_over:
        return "CANCELLED"
    if now < booking.end + GRACE:
        return "CONFIRMED"
    return "NO_SHOW" if booking.attendees and all(each.absent for each in booking.attendees) else "COMPLETED"
