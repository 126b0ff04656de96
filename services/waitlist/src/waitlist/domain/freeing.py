"""Which queues an event of booking gives a reason to look at: what it freed may be offered there.

Invariant: whatever may have freed something names every queue that could use it; where nothing can have fallen free
that is still to come, none is named. Naming one too many costs a look, naming one too few leaves guests waiting.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import assert_never

from slotwire_contracts import (
    AnyEvent,
    EventInstanceCancelled,
    EventInstanceStatus,
    EventInstanceUpdated,
    Hold,
    HoldReleased,
    LocationUpdated,
    ReleaseReason,
    Reservation,
    ReservationCancelled,
    ReservationCompleted,
    ReservationDeclined,
    ReservationNoShow,
    ReservationStatus,
    ReservationUnassigned,
    ReservationUpdated,
    TableCreated,
    TableUpdated,
)
from waitlist.domain.entry import queue_of
from waitlist.domain.times import DAY, Span

# The dates that the clocks of any zone show lie between these offsets from UTC.
_WEST, _EAST = timedelta(hours=-12), timedelta(hours=14)
_MOMENT = timedelta(microseconds=1)

_OCCUPYING = frozenset(ReservationStatus) - {
    ReservationStatus.CANCELLED,
    ReservationStatus.DECLINED,
    ReservationStatus.NO_SHOW,
    ReservationStatus.COMPLETED,
}
_OPENING = {"weekly_hours", "date_overrides", "visit_minutes", "timezone"}


@dataclass(frozen=True)
class FreedQueues:
    """Something for some queues, by their names.

    Attributes:
        spans: when it is free; None for any time.
        hold_id: the hold that it was; None for anything else.
    """

    queues: frozenset[str]
    spans: tuple[Span, ...] | None = None
    hold_id: str | None = None


@dataclass(frozen=True)
class FreedLocation:
    """Something for every queue of a location."""

    location_id: str


Freed = FreedQueues | FreedLocation


def freed(event: AnyEvent) -> Freed | None:
    """Tell for which queues an event may have freed something; None for none.

    What lies before the event is of no use to anybody any more.
    """
    match event:
        case HoldReleased():
            return _let_go(event)
        case EventInstanceUpdated() | EventInstanceCancelled():
            return _of_instance(event)
        case TableCreated() | TableUpdated() | LocationUpdated():
            return _of_location(event)
        case _:
            return _of_reservation(event)


def dates_for(span: Span) -> Iterator[date]:
    """Tell for which dates at a location somebody may wait who could use a span of time.

    Events do not tell the location's zone, so it is every date that the clocks of any zone show in the span; and the
    one before, as a guest who waits for an evening may come after midnight.
    """
    day, last = (span.start + _WEST).date() - DAY, (span.end - _MOMENT + _EAST).date()
    while day <= last:
        yield day
        day += DAY


def _of_reservation(event: AnyEvent) -> Freed | None:
    match event:
        case ReservationCancelled() | ReservationDeclined() | ReservationNoShow():
            return _given_up(event.data.resource, event.time)
        case ReservationCompleted():
            return _tables(event.data.resource, [_span(event.data.resource)], event.time)
        case ReservationUnassigned() if event.data.resource.status in _OCCUPYING:
            return _tables(event.data.resource, [_span(event.data.resource)], event.time)
        case ReservationUpdated() if event.data.resource.status in _OCCUPYING:
            return _changed(event)
        case _:
            return None


def _given_up(visit: Reservation | Hold, at: datetime) -> FreedQueues | None:
    if visit.event_instance_id is None:
        return _tables(visit, [_span(visit)], at)
    return _spots(visit.event_instance_id, visit.start_time, at)


def _changed(event: ReservationUpdated) -> Freed | None:
    visit, changes = event.data.resource, event.data.change.changes
    shrunk = changes.party_size is not None and changes.party_size.to < changes.party_size.from_
    if visit.event_instance_id is not None:
        return _spots(visit.event_instance_id, visit.start_time, event.time) if shrunk else None
    now = _span(visit)
    before = Span(
        now.start if changes.start_time is None else changes.start_time.from_,
        now.end if changes.end_time is None else changes.end_time.from_,
    )
    left = [Span(before.start, min(before.end, now.start)), Span(max(before.start, now.end), before.end)]
    return _tables(visit, [*left, now] if shrunk else left, event.time)


def _let_go(event: HoldReleased) -> Freed | None:
    called_off = event.data.change.reason is ReleaseReason.CANCELLED
    found = None if called_off else _given_up(event.data.resource, event.time)
    return None if found is None else replace(found, hold_id=event.data.resource.id)


def _of_instance(event: EventInstanceUpdated | EventInstanceCancelled) -> Freed | None:
    instance = event.data.resource
    if isinstance(event, EventInstanceCancelled):
        return FreedQueues(frozenset({instance.id}))  # nothing is free there, but the waiting is over
    changes = event.data.change.changes
    more = changes.max_attendance is not None and changes.max_attendance.to > changes.max_attendance.from_
    takes_place = instance.status is EventInstanceStatus.SCHEDULED
    if takes_place and (more or changes.status is not None):
        return _spots(instance.id, instance.start_time, event.time)
    return None


def _of_location(event: TableCreated | TableUpdated | LocationUpdated) -> Freed | None:
    match event:
        case TableCreated():
            return FreedLocation(event.data.resource.location_id)
        case TableUpdated():
            return FreedLocation(event.data.resource.location_id) if _fits_more(event) else None
        case LocationUpdated():
            changed = event.data.change.changes.keys() & _OPENING
            return FreedLocation(event.data.resource.id) if changed else None
        case _:
            assert_never(event)


def _fits_more(event: TableUpdated) -> bool:
    """Tell whether a table takes parties that it did not take before, by itself or put together with others."""
    table = event.data.resource.model_dump(mode="json")
    before = {**table, **{name: change.from_ for name, change in event.data.change.changes.items()}}
    regrouped = before["combinable"] is False or before["section_id"] != table["section_id"]
    return (
        table["max_party"] > before["max_party"]
        or table["min_party"] < before["min_party"]
        or (table["combinable"] and regrouped)
    )


def _spots(instance_id: str, start: datetime, at: datetime) -> FreedQueues | None:
    return FreedQueues(frozenset({instance_id})) if start > at else None


def _tables(visit: Reservation | Hold, spans: Iterable[Span], at: datetime) -> FreedQueues | None:
    if visit.location_id is None or visit.event_instance_id is not None:
        return None
    cut = (Span(max(span.start, at), span.end) for span in spans)
    to_come = tuple(span for span in cut if span.start < span.end)
    days = {day for span in to_come for day in dates_for(span)}
    return FreedQueues(frozenset(queue_of(visit.location_id, day, None) for day in days), to_come) if days else None


def _span(visit: Reservation | Hold) -> Span:
    return Span(visit.start_time, visit.end_time)
