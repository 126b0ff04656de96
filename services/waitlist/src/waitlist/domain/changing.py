"""What may change about an entry, and how it leaves.

Invariant: an entry stays in its queue and keeps its turn, but for a priority that staff give it; what was offered to a
notified entry does not change under it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from waitlist.domain.actors import Actor
from waitlist.domain.entry import Entry
from waitlist.domain.errors import Flaws, InvalidTransitionError, VersionConflictError
from waitlist.domain.joining import Told, check_contact, check_party, wanted_window
from waitlist.domain.status import Status, check_transition
from waitlist.domain.times import parse_wall_or_instant, time_text
from waitlist.domain.window import END, START, Preferred

_TIMES = {"preferred_start": START, "preferred_end": END}
_OFFERED = {"party_size": "partySize", **_TIMES}


@dataclass(frozen=True)
class Change:
    """What a caller asks to change.

    Attributes:
        given: the fields and their new values, by the names of `NewEntry`.
        version: the version that the caller has seen; None to change whatever is there.
    """

    given: Mapping[str, Any]
    version: int | None = None

    @property
    def is_of_the_place(self) -> bool:
        """Tell whether it has to be compared with what booking tells of the place."""
        return bool(self.given.keys() & _OFFERED.keys())


def check_version(entry: Entry, version: int | None) -> None:
    """Refuse to change an entry that has moved on since the caller saw it.

    Raises:
        VersionConflictError: it has.
    """
    if version not in {None, entry.version}:
        raise VersionConflictError(
            f"the entry is at version {entry.version}", param="If-Match", details={"version": entry.version}
        )


def revise(entry: Entry, change: Change, told: Told, actor: Actor, *, now: datetime) -> Entry:
    """Change some fields of an entry.

    Args:
        entry: as it is.
        change: what is asked for.
        told: what booking told of its place.
        actor: who asks.
        now: the current instant.

    Raises:
        VersionConflictError: the caller has seen another version.
        InvalidTransitionError: the entry is not live, or it is notified and the change is of what was offered.
        ValidationFailedError: as `draft` says, of the fields that are given.
    """
    check_version(entry, change.version)
    _check_status(entry, change)
    flaws = Flaws()
    given = dict(change.given)
    if entry.event_instance_id is None:
        given |= _moved(entry, given, told, now, flaws)
    else:
        _check_spots(given, told, flaws)
    if entry.client_id is None and "contact" in given:
        check_contact(given["contact"], flaws)
    flaws.tell()
    if given.get("notes", entry.notes) != entry.notes:
        given["notes_by"] = None if given["notes"] is None else actor.name
    return replace(entry, **given)


def remove(entry: Entry, version: int | None) -> Entry:
    """Take an entry off the waitlist; one that is off stays as it is.

    Raises:
        VersionConflictError: the caller has seen another version.
        InvalidTransitionError: it became a booking, or its time has passed.
    """
    check_version(entry, version)
    if entry.status is Status.REMOVED:
        return entry
    check_transition(entry.status, Status.REMOVED)
    return replace(entry, status=Status.REMOVED)


def _check_status(entry: Entry, change: Change) -> None:
    details = {"status": entry.status.value}
    if not entry.is_live:
        raise InvalidTransitionError("the entry is on the waitlist no more and cannot be changed", details=details)
    offered = [param for name, param in _OFFERED.items() if name in change.given]
    if entry.status is Status.NOTIFIED and offered:
        raise InvalidTransitionError(
            "the entry is notified: its offer has to be answered first", param=offered[0], details=details
        )


def _moved(entry: Entry, given: Mapping[str, Any], told: Told, now: datetime, flaws: Flaws) -> dict[str, Any]:
    """Answer the preferred times that are given, and the window that they make with the others."""
    if not given.keys() & _TIMES.keys():
        return {}
    if told.location is None or entry.requested_date is None:
        for name in given.keys() & _TIMES.keys():
            flaws.add(_TIMES[name], "must stay as it is; the location is gone", "gone")
        return {}
    start, end = (given[name] if name in given else _read(getattr(entry, name)) for name in _TIMES)
    found = wanted_window(entry.requested_date, start, end, told.location, now=now, flaws=flaws)
    return {
        "preferred_start": time_text(start),
        "preferred_end": time_text(end),
        "window_start": found.start,
        "window_end": found.end,
    }


def _read(text: str | None) -> Preferred:
    return None if text is None else parse_wall_or_instant(text)


def _check_spots(given: Mapping[str, Any], told: Told, flaws: Flaws) -> None:
    for name, param in _TIMES.items():
        if given.get(name) is not None:
            flaws.add(param, "must be left out with eventInstanceId", "conflict")
    if "party_size" in given and told.instance is not None:
        check_party(given["party_size"], told.instance, flaws)
