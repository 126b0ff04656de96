"""Whether too many had something at one time, told by what surely held at each instant.

What a booking or an offer has is sure from when it was published or a client was told of it, both of which come after
the commit, until the time of its next event, which is read before the commit of that. Between them nobody else can
have had what it had, whatever was slow.

Invariant: what is called too many is too many, whatever the order of commits was; what is not sure is not counted.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chaos.checks.reading import Happening, by_subject, instant, is_success, published, rows, told_data
from chaos.evidence import Evidence
from slotwire_contracts import BOOKING_EVENTS, WAITLIST_EVENTS

_NEVER = datetime.max.replace(tzinfo=UTC)
_HELD = "held"


@dataclass(frozen=True)
class Standing:
    """Who had a place, from one instant to another of the run: a booking as it stood, or a hold.

    Attributes:
        holder: the booking, or the offer that the place was held for.
        places: the schedule, tables or event instance.
        party_size: for how many.
        status: a booking's.
        start: when the visit begins.
        end: when the visit is over.
        since: from when on it surely stood so.
        until: from when on it may not have any more.
    """

    holder: str
    places: Sequence[str]
    party_size: int
    status: str
    start: datetime
    end: datetime
    since: datetime
    until: datetime


_Crowds = Mapping[str, Sequence[Sequence[Standing]]]


def standings(evidence: Evidence) -> list[Standing]:
    """Tell who surely had which place, and when; not who is kept in conflict, and has none."""
    found = [*_bookings(evidence), *_holds(evidence)]
    return [one for one in found if one.since < one.until]


def _bookings(evidence: Evidence) -> Iterator[Standing]:
    told, history = _told(evidence), _history(evidence)
    reservations = (one for one in published(evidence, BOOKING_EVENTS.name) if one.type.startswith("reservation."))
    for (_, booking_id), events in by_subject(reservations).items():
        for one in events:
            shown = one.resource
            places = (shown["schedule_id"], shown["event_instance_id"], *shown["table_ids"])
            if not (shown.get("external") or {}).get("conflict"):
                yield Standing(
                    booking_id,
                    [place for place in places if place is not None],
                    shown["party_size"],
                    shown["status"],
                    instant(shown["start_time"]),
                    instant(shown["end_time"]),
                    since=min([one.record.timestamp, *told.get(_state(booking_id, shown), ())]),
                    until=history.get((booking_id, one.sequence + 1), _NEVER),
                )


def _holds(evidence: Evidence) -> Iterator[Standing]:
    """Tell what was held for whoever was told so, until it was answered, ran out, or became a booking."""
    held = {row["id"] for row in rows(evidence, "waitlist.offers") if row["held"]}
    booked = _booked(evidence)
    for (_, entry_id), events in by_subject(published(evidence, WAITLIST_EVENTS.name)).items():
        for one, following in zip(events, [*events[1:], None], strict=True):
            if one.change.get("offerId") in held and one.type == "waitlist_entry.notified":
                what = one.change.get("slot") or one.change["instance"]
                ends = [instant(one.change["expiresAt"]), booked.get(entry_id, _NEVER)]
                yield Standing(
                    one.change["offerId"],
                    what.get("tableIds") or [what["id"]],
                    one.resource["partySize"],
                    _HELD,
                    instant(what["startTime"]),
                    instant(what["endTime"]),
                    since=one.record.timestamp,
                    until=min([*ends, *([] if following is None else [following.time])]),
                )


def _history(evidence: Evidence) -> dict[tuple[str, int], datetime]:
    """Tell when each event of a booking happened, by its number, whether or not it was ever published."""
    history = rows(evidence, "booking.history")
    return {(row["booking_id"], row["sequence"]): row["created_at"] for row in history}


def _booked(evidence: Evidence) -> dict[str, datetime]:
    """Tell when the first booking of each waitlist entry was made."""
    made = [one for one in published(evidence, BOOKING_EVENTS.name) if one.type == "reservation.created"]
    return {one.change.get("waitlist_entry_id", ""): one.time for one in sorted(made, key=_time, reverse=True)}


def _time(one: Happening) -> datetime:
    return one.time


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


def crowds(evidence: Evidence, statuses: Collection[str], room: Mapping[str, int], *, sized: bool = False) -> _Crowds:
    """Tell of each place with that much room who ever were too many there.

    Args:
        evidence: of the run.
        statuses: in which bookings take it.
        room: how many may have it at one time.
        sized: whether each counts as many as its party, rather than one.
    """
    had: dict[str, list[Standing]] = defaultdict(list)
    for one in standings(evidence):
        if one.status in {*statuses, _HELD}:
            for place in one.places:
                had[place].append(one)
    return {place: list(_crowds_of(had.get(place, []), size, sized=sized)) for place, size in room.items()}


def _crowds_of(some: Sequence[Standing], room: int, *, sized: bool) -> Iterator[Sequence[Standing]]:
    for visit in {one.start for one in some}:
        there = sorted((one for one in some if one.start <= visit < one.end), key=lambda one: one.since)
        for place, one in enumerate(there):
            at_once = [other for other in there[: place + 1] if other.until > one.since]
            if sum(other.party_size if sized else 1 for other in at_once) > room:
                yield at_once
                break
