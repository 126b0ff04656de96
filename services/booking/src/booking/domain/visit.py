"""Where and when a booking or a hold is to be, and for how many: what both of them ask for, and are refused for alike.

Invariant: a visit that passed `check_fields` and `check_times` breaks no rule that can be told without looking at other
bookings.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from booking.domain.actors import Actor
from booking.domain.checks import check_known, check_not_past, check_open, check_tables
from booking.domain.errors import Flaw, Flaws, ValidationFailedError, unknown
from booking.domain.offering import check_offered
from booking.domain.place import InstancePlace, Place
from booking.domain.times import Span, check_span

PLACES = ("schedule_id", "event_type_id", "location_id", "event_instance_id")
"""The fields that name where."""

Given = Mapping[str, Any]
"""The fields of a `Visit` that a caller gave, by name."""


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What is asked for.

    Attributes:
        schedule_id: it or `location_id`, or both, are given; neither beside `event_instance_id`.
        event_instance_id: whose spots it takes, one for each of the party.
        table_ids: the tables that staff chose; None leaves the choice to us.
        override_availability: whether staff book knowingly against opening hours and the rules of the event type.
        granted: whether just this was held, so that all that could be refused was asked then.
    """

    schedule_id: str | None = None
    event_type_id: str | None = None
    location_id: str | None = None
    event_instance_id: str | None = None
    table_ids: tuple[str, ...] | None = None
    start_time: datetime
    end_time: datetime
    party_size: int = 1
    override_availability: bool = False
    granted: bool = False

    @property
    def span(self) -> Span:
        """When it is to be, without buffers."""
        return Span(self.start_time, self.end_time)


def check_rights(given: Given, actor: Actor) -> None:
    """Refuse a client key that asks for what is the staff's.

    Raises:
        ForbiddenError: it does.
    """
    for param, deed in (
        ("table_ids", "choose tables"),
        ("override_availability", "book against the rules of availability"),
    ):
        if given.get(param, False) not in {None, False}:
            actor.must_be_staff(deed, param=param)


def complete(given: Given, *, base: Given, fixed: Iterable[str], owner: str) -> Given:
    """Fill in what a caller left out from what the booking is to be made of.

    Args:
        given: what the caller gave.
        base: the fields that a hold or an event instance gives.
        fixed: those of them that the caller may repeat, and not change.
        owner: what gives them, for the caller.

    Raises:
        ValidationFailedError: the caller gave another value for a fixed field.
    """
    told = {name: value for name, value in given.items() if value is not None}
    flaws = Flaws()
    for name in fixed:
        if name in told and told[name] != base.get(name):
            flaws.add(name, f"must be that of the {owner}, or left out", owner.replace(" ", "_"))
    flaws.tell()
    return {**base, **told}


def at_instance(given: Given, instance: InstancePlace | None) -> Given:
    """Fill in when and where an event instance takes place.

    Raises:
        ValidationFailedError: as `complete` says, or there is no such instance, or it is cancelled.
    """
    if instance is None:
        raise ValidationFailedError(unknown("event_instance_id", "event instance"))
    if not instance.is_scheduled:
        told = "must not be the id of a cancelled event instance"
        raise ValidationFailedError(Flaw("event_instance_id", told, "cancelled"))
    base = {
        "event_instance_id": instance.instance_id,
        "location_id": instance.location_id,
        "start_time": instance.start_time,
        "end_time": instance.end_time,
    }
    return complete(given, base=base, fixed=(*PLACES, "table_ids", "start_time", "end_time"), owner="event instance")


def check_shape(visit: Visit) -> None:
    """Refuse what can be refused before the place is read.

    Raises:
        ValidationFailedError: the times are out of bounds, or tables are chosen without the location they stand in.
    """
    flaws = Flaws()
    if visit.table_ids is not None and visit.location_id is None:
        flaws.add("table_ids", "must come with a location_id", "location_id")
    with flaws.gathered():
        check_span(visit.span)
    flaws.tell()


def check_fields(visit: Visit, place: Place, actor: Actor, flaws: Flaws, *, now: datetime) -> None:
    """Gather what the place does not allow: ids that name nothing, times out of bounds, tables that do not fit.

    Args:
        visit: what is asked for; it passed `check_shape`.
        place: what was found of the ids it names.
        actor: who asks.
        flaws: where it is gathered.
        now: the current instant.
    """
    if place.instance is None:
        with flaws.gathered():
            check_known(
                place,
                schedule_id=visit.schedule_id,
                location_id=visit.location_id,
                event_type_id=visit.event_type_id,
            )
    with flaws.gathered():
        before, after = place.buffers
        check_span(visit.span, before_minutes=before, after_minutes=after)
    if visit.granted:
        return
    with flaws.gathered():
        check_not_past(visit.start_time, actor, now)
    if visit.table_ids is not None and place.location is not None:
        with flaws.gathered():
            check_tables(visit.table_ids, place, visit.party_size)


def check_times(visit: Visit, place: Place, now: datetime) -> None:
    """Refuse a time that the place or the event type does not offer, unless staff say so knowingly.

    Raises:
        OutsideAvailabilityError: as `check_open` and `check_offered` say.
    """
    if not (visit.override_availability or visit.granted):
        check_open(visit.span, place)
        check_offered(visit.span, place, now)
