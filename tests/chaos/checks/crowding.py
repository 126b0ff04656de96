"""Whether too many had something at one time, told by what surely held at each instant.

A booking's state is sure from when it was published or a client was told of it, both of which come after its commit,
until the time of its next event, which is read before the commit of that. Between them nobody else can have had what
it had, whatever was slow.

Invariant: what is called too many is too many, whatever the order of commits was; what is not sure is not counted.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chaos.checks.reading import by_subject, instant, is_success, published, told_data
from chaos.evidence import Evidence
from slotwire_contracts import BOOKING_EVENTS

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Standing:
    """A booking as it stood, from one instant to another of the run.

    Attributes:
        since: from when on it surely stood so.
        until: from when on it may not have any more.
        start: when its visit begins.
        end: when its visit is over.
    """

    booking_id: str
    org_id: str
    snapshot: Mapping[str, Any]
    since: datetime
    until: datetime

    @property
    def start(self) -> datetime:
        return instant(self.snapshot["start_time"])

    @property
    def end(self) -> datetime:
        return instant(self.snapshot["end_time"])

    @property
    def is_in_conflict(self) -> bool:
        """Whether it has no time here, as it was made elsewhere and overlaps."""
        return bool((self.snapshot.get("external") or {}).get("conflict"))


def standings(evidence: Evidence) -> Iterator[Standing]:
    """Tell how each booking surely stood, and when."""
    told = _told(evidence)
    reservations = (one for one in published(evidence, BOOKING_EVENTS.name) if one.type.startswith("reservation."))
    for (org_id, booking_id), events in by_subject(reservations).items():
        for one, following in zip(events, [*events[1:], None], strict=True):
            since = min([one.record.timestamp, *told.get(_state(booking_id, one.resource), ())])
            until = _NEVER if following is None else following.time
            if since < until:
                yield Standing(booking_id, org_id, one.resource, since, until)


def _told(evidence: Evidence) -> dict[tuple[str, Any, Any], list[datetime]]:
    """Tell when clients were told of each state of a booking."""
    found: dict[tuple[str, Any, Any], list[datetime]] = defaultdict(list)
    for answer in evidence.told.answers:
        data = told_data(answer)
        if is_success(answer) and {"id", "version", "status"} <= data.keys():
            found[_state(data["id"], data)].append(answer.ended_at)
    return found


def _state(booking_id: str, snapshot: Mapping[str, Any]) -> tuple[str, Any, Any]:
    return booking_id, snapshot["version"], snapshot["status"]


def crowds(some: Sequence[Standing], capacity: int, *, sized: bool = False) -> Iterator[list[Standing]]:
    """Find those who were too many at one place.

    Args:
        some: those who had the place.
        capacity: how many may have it at one time.
        sized: whether each counts as many as its party, rather than one.
    """
    for visit in {one.start for one in some}:
        there = sorted((one for one in some if one.start <= visit < one.end), key=lambda one: one.since)
        for place, one in enumerate(there):
            at_once = [other for other in there[: place + 1] if other.until > one.since]
            if sum(_size(other) if sized else 1 for other in at_once) > capacity:
                yield at_once
                break


def _size(one: Standing) -> int:
    return int(one.snapshot["party_size"])


def shown(some: Sequence[Standing]) -> list[tuple[Any, ...]]:
    """Tell of some what proves that they were too many."""
    return [
        (one.booking_id, one.snapshot["status"], one.start, one.end, one.since.isoformat(), one.until.isoformat())
        for one in some
    ]
