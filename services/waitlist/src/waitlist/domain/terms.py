"""What a caller asks to have booked or offered: a time, and perhaps a table.

Invariant: terms that were not refused name a time that exists and whose end is later than its start, or none at all.
"""

from dataclasses import dataclass
from datetime import date, datetime, time

from waitlist.domain.entry import Entry
from waitlist.domain.errors import Flaws
from waitlist.domain.times import DAY, exists, wall_instant
from waitlist.domain.told import Location
from waitlist.domain.visits import Place

START_TIME, END_TIME, TABLE = "startTime", "endTime", "tableId"


@dataclass(frozen=True)
class Wanted:
    """What a caller gave: times as `HH:MM` of the requested date or as instants; perhaps the offer that was seen."""

    start: time | datetime | None = None
    end: time | datetime | None = None
    table_id: str | None = None
    offer_id: str | None = None


@dataclass(frozen=True)
class Terms:
    """What is asked for; without anything, what is offered.

    Attributes:
        place: when.
        table_id: the table that staff chose.
        offer_id: the offer that is accepted, and no other.
    """

    place: Place | None = None
    table_id: str | None = None
    offer_id: str | None = None


def terms_of(wanted: Wanted, entry: Entry, location: Location | None) -> Terms:
    """Tell which instants the times stand for.

    Args:
        wanted: what was given.
        entry: for which entry.
        location: where it waits; None of an event instance, or when it is gone.

    Raises:
        ValidationFailedError: one time without the other, times that do not exist or end before they start, or anything
            at all for an event instance.
    """
    flaws = Flaws()
    if entry.requested_date is None:
        _check_nothing(wanted, flaws)
        flaws.tell()
        return Terms(offer_id=wanted.offer_id)
    if (wanted.start is None) != (wanted.end is None):
        missing, given = (END_TIME, START_TIME) if wanted.end is None else (START_TIME, END_TIME)
        flaws.add(missing, f"must be given with {given}", "missing")
    flaws.tell()
    if wanted.start is None or wanted.end is None:
        return Terms(table_id=wanted.table_id, offer_id=wanted.offer_id)
    zone = "UTC" if location is None else location.timezone
    start = _instant(entry.requested_date, wanted.start, zone, START_TIME, flaws)
    end = _instant(entry.requested_date, wanted.end, zone, END_TIME, flaws)
    if end <= start and isinstance(wanted.end, time):
        end = _instant(entry.requested_date + DAY, wanted.end, zone, END_TIME, flaws)
    if end <= start:
        flaws.add(END_TIME, f"must be after {START_TIME}", "after_start")
    flaws.tell()
    return Terms(Place(start, end), wanted.table_id, wanted.offer_id)


def _check_nothing(wanted: Wanted, flaws: Flaws) -> None:
    given = {START_TIME: wanted.start, END_TIME: wanted.end, TABLE: wanted.table_id}
    for param, value in given.items():
        if value is not None:
            flaws.add(param, "must be left out for an event instance", "conflict")


def _instant(day: date, given: time | datetime, zone: str, param: str, flaws: Flaws) -> datetime:
    if isinstance(given, datetime):
        return given
    if not exists(day, given, zone):
        flaws.add(param, f"must be a time that exists on {day}; the clocks of {zone} skip it", "gap")
    return wall_instant(day, given, zone)
