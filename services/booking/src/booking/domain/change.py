"""How a booking changes: its details first, then its status, all or nothing (api.md section 2).

Invariant: the facts of a change, in order, lead from the booking before it to the booking after it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from booking.domain.actors import Actor
from booking.domain.booking import Booking, diff, merge_metadata
from booking.domain.checks import (
    EXTERNAL_METADATA_BYTES,
    METADATA_BYTES,
    check_metadata,
    check_not_past,
    check_open,
    check_tables,
)
from booking.domain.errors import (
    ExternalReadOnlyError,
    Flaws,
    ForbiddenError,
    InvalidTransitionError,
    VersionConflictError,
)
from booking.domain.facts import Assigned, Fact, StatusChanged, Unassigned, Updated
from booking.domain.occupancy import stored_span
from booking.domain.offering import check_length, check_offered
from booking.domain.place import Place
from booking.domain.status import OCCUPYING, TERMINAL, Status, check_transition


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a caller wants changed.

    Attributes:
        details: new values of fields of the booking, by name.
        metadata: keys to set; a value of None takes the key away.
        table_ids: the tables that staff chose, all of them; None leaves them alone.
        status: the status to move to.
        reason: why the status moves.
        correction: whether staff mend a mistake.
        override_availability: whether staff book outside the weekly hours knowingly.
        if_version: the version the caller has seen.
    """

    details: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, object] = field(default_factory=dict)
    table_ids: tuple[str, ...] | None = None
    status: Status | None = None
    reason: str | None = None
    correction: bool = False
    override_availability: bool = False
    if_version: int | None = None


@dataclass(frozen=True)
class TableChoice:
    """The tables a changed booking is to have.

    Attributes:
        chosen: all of these; None: one that fits, the present one if it can be.
        reassign: whether the present tables no longer do.
        by_staff: whether the tables it has then were chosen by staff.
    """

    chosen: tuple[str, ...] | None
    reassign: bool
    by_staff: bool


def check_allowed(change: Change, actor: Actor) -> None:
    """Refuse a client key what is the staff's; it may cancel and set no other status (api.md section 1).

    Raises:
        ForbiddenError: the change needs a staff key.
    """
    for param, deed, asked in (
        ("table_ids", "choose tables", change.table_ids is not None),
        ("correction", "correct a status", change.correction),
        ("override_availability", "book outside the weekly hours", change.override_availability),
    ):
        if asked:
            actor.must_be_staff(deed, param=param)
    if actor.is_client and change.status not in {None, Status.CANCELLED}:
        raise ForbiddenError("a client key may set no status but CANCELLED", param="status")


def check_version(before: Booking, change: Change) -> None:
    """Refuse a change that was made looking at another version.

    Raises:
        VersionConflictError: the booking has moved on.
    """
    if change.if_version is not None and change.if_version != before.version:
        raise VersionConflictError(
            f"the booking is at version {before.version}, not {change.if_version}",
            param="If-Match",
            details={"version": before.version},
        )


def revise(before: Booking, change: Change, actor: Actor, *, now: datetime) -> Booking:
    """Apply the details; status and tables are as before.

    Raises:
        ValidationFailedError: times are out of bounds or, newly and for a client, past; or metadata grew too large.
        InvalidTransitionError: the booking is over, and its time or tables are to change.
        ExternalReadOnlyError: its times are to change, and are changed where it was made.
    """
    _check_external(before, change)
    if before.event_instance_id is not None:
        _check_at_instance(before, change)
    after = replace(
        before,
        **change.details,
        metadata=merge_metadata(before.metadata, change.metadata),
        one_per_attendee=before.one_per_attendee and not change.override_availability,
    )
    if before.status in TERMINAL or (before.status is Status.NO_SHOW and change.status is None):
        _check_kept(before, after, change)
    flaws = Flaws()
    if after.span != before.span:
        with flaws.gathered():
            stored_span(after)
    if after.start_time != before.start_time:
        with flaws.gathered():
            check_not_past(after.start_time, actor, now)
    if change.metadata:
        with flaws.gathered():
            check_metadata(after.metadata, at_most=_metadata_bytes(before))
    flaws.tell()
    return after


def _metadata_bytes(before: Booking) -> int:
    return METADATA_BYTES if before.external_provider is None else EXTERNAL_METADATA_BYTES


def _check_external(before: Booking, change: Change) -> None:
    """Refuse to move a booking that is moved where it was made."""
    if before.times_editable:
        return
    for param in ("start_time", "end_time"):
        if change.details.get(param, getattr(before, param)) != getattr(before, param):
            raise ExternalReadOnlyError(
                f"the booking comes from {before.external_provider}, and its {param} is changed there", param=param
            )


def _check_at_instance(before: Booking, change: Change) -> None:
    """Refuse to move a registration away from its event instance, which moves all of its registrations itself."""
    flaws = Flaws()
    for param in ("start_time", "end_time"):
        if change.details.get(param, getattr(before, param)) != getattr(before, param):
            flaws.add(param, "must be changed on the event instance", "event_instance")
    if change.table_ids:
        flaws.add("table_ids", "must be left out for a booking of an event instance", "event_instance")
    flaws.tell()


def _check_kept(before: Booking, after: Booking, change: Change) -> None:
    """Refuse to give a booking that is over another time or other tables."""
    for param, asked in (
        ("start_time", after.start_time != before.start_time),
        ("end_time", after.end_time != before.end_time),
        ("table_ids", change.table_ids is not None),
    ):
        if asked:
            raise InvalidTransitionError(f"a {before.status} booking keeps its time and tables", param=param)


def move_status(revised: Booking, change: Change, *, now: datetime) -> Booking:
    """Apply the status; the one the booking already has changes nothing.

    Raises:
        InvalidTransitionError: as `check_transition` says.
    """
    if change.status is None or change.status is revised.status:
        return revised
    check_transition(revised.status, change.status, start=revised.start_time, now=now, correction=change.correction)
    return replace(revised, status=change.status, confirmed_at=_confirmed_at(revised, change.status, now))


def _confirmed_at(before: Booking, status: Status, now: datetime) -> datetime | None:
    """Tell since when it is confirmed: anew where a correction says so, not any more where it waits again."""
    return {Status.PENDING: None, Status.CONFIRMED: now}.get(status, before.confirmed_at)


def check_times(before: Booking, revised: Booking, change: Change, place: Place, *, now: datetime) -> None:
    """Refuse a move to a time that the place or the event type does not offer, unless staff say so knowingly.

    Raises:
        OutsideAvailabilityError: as `check_open` and `check_offered` say.
    """
    if revised.span == before.span or change.override_availability:
        return
    check_open(revised.span, place)
    if revised.start_time == before.start_time:
        check_length(revised.span, place)
    else:
        check_offered(revised.span, place, now)


def choose_tables(before: Booking, revised: Booking, change: Change, place: Place) -> TableChoice:
    """Decide which tables the booking is to have: those staff name, else its own as long as they seat the party.

    A party that has become smaller keeps what it has; staff give a table back by naming the others.

    A booking that is over keeps its own whatever its party has become: nobody is to be seated any more.

    Raises:
        ValidationFailedError: staff named tables that do not fit.
    """
    if change.table_ids is not None:
        check_tables(change.table_ids, place, revised.party_size)
        other = set(change.table_ids) != set(before.table_ids)
        return TableChoice(change.table_ids, reassign=other, by_staff=True)
    if before.status in TERMINAL:
        return keep_tables(before)
    seats = sum(table.max_party for table in place.tables if table.table_id in before.table_ids)
    if before.table_ids and revised.party_size > seats:
        return TableChoice(None, reassign=True, by_staff=False)
    # What was found may be exchanged when its time is taken, and so may one table; what staff put together, or left
    # out, stays.
    if before.tables_chosen and len(before.table_ids) != 1:
        return keep_tables(before)
    return TableChoice(None, reassign=False, by_staff=before.tables_chosen)


def keep_tables(before: Booking) -> TableChoice:
    """Decide that a booking has the tables that it has."""
    return TableChoice(before.table_ids, reassign=False, by_staff=before.tables_chosen)


def counts_anew(before: Booking, after: Booking) -> bool:
    """Tell whether a changed booking counts to a daily limit as it did not before."""
    return after.status in OCCUPYING and (before.status not in OCCUPYING or before.start_time != after.start_time)


def needs_place(before: Booking, revised: Booking, after: Booking, change: Change) -> bool:
    """Tell whether schedule, location or event type have a say in the change; an event instance has its own."""
    return before.event_instance_id is None and (
        revised.span != before.span
        or change.table_ids is not None
        or (revised.party_size != before.party_size and bool(before.table_ids))
        or (after.status in OCCUPYING and before.status not in OCCUPYING)
    )


def facts(before: Booking, revised: Booking, after: Booking, reason: str | None) -> list[tuple[Fact, Booking]]:
    """Tell what happened, each with the booking right after it; nothing when nothing changed.

    Args:
        before: the booking as it was.
        revised: with its new details and tables.
        after: with its new status too.
        reason: why the status moved.
    """
    changes = diff(before, revised)
    taken = tuple(table_id for table_id in before.table_ids if table_id not in revised.table_ids)
    given = tuple(table_id for table_id in revised.table_ids if table_id not in before.table_ids)
    steps: list[tuple[Fact, Booking]] = []
    if changes or taken or given:
        steps.append((Updated(changes), revised))
    if taken:
        steps.append((Unassigned(taken), revised))
    if given:
        steps.append((Assigned(given), revised))
    if after.status is not revised.status:
        steps.append((StatusChanged(revised.status, after.status, reason), after))
    return steps
