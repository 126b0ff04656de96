"""A chain of Cal.com's bookings in our words, or the reason why it is none of our business.

Invariants: the same chain, settings and moment give the same snapshot, whatever way it was read; what is stored is
never replaced by something older. A chain that was once taken over is followed wherever it goes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from calcom_sync.domain.chains import REPLICA_LAG, UIDS, Chain
from calcom_sync.domain.changes import changed
from calcom_sync.domain.counting import Outcome
from calcom_sync.domain.integration import Terms
from calcom_sync.domain.people import in_known_order
from calcom_sync.domain.places import location_type_of, zone_of
from calcom_sync.domain.placing import place_of
from calcom_sync.domain.row import PEOPLE, Row
from calcom_sync.domain.status import GRACE, aged, deleted, standing
from calcom_sync.domain.window import Window
from slotwire_contracts import CalcomAttendee, CalcomBooking, CalcomEventType, CalcomHost, is_too_deep

OURS = "slotwire_"
"""How keys begin that we write into a booking's metadata at Cal.com; they come back to us and are no news."""

ANY_TIME = Window()

SNAPSHOT_BYTES = 1000 * 1024
"""What a snapshot may measure as JSON: with what is told beside it, it fits into a record of its topic."""

_SET_HERE = ("schedule_id", "event_type_id", "times_editable")
"""The fields that follow from the organization's settings alone."""


@dataclass(frozen=True, slots=True)
class Observed:
    """A chain that is new or has changed.

    Attributes:
        changed: the fields that differ from its last snapshot.
        is_doubtful: Cal.com says that it has not touched the booking since, so a replica may be telling the past: read
            it by its uid before anybody is told.
    """

    snapshot: CalcomBooking
    changed: tuple[str, ...]
    is_doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Skipped:
    """A chain of which nothing is told.

    Attributes:
        reason: one of the outcomes that count as skipped, or as failed.
    """

    reason: Outcome


@dataclass(frozen=True, slots=True)
class View:
    """What is looked at, and by whom.

    Attributes:
        terms: the organization's settings.
        now: the current instant.
        owner: the email of the API key's owner, lower case; None if it is not known.
        window: which time was asked for.
        grace: how long after its end a booking is still on.
    """

    terms: Terms
    now: datetime
    owner: str | None = None
    window: Window = ANY_TIME
    grace: timedelta = GRACE


def observe(chain: Chain, before: CalcomBooking | None, view: View) -> Observed | Skipped:
    """Tell what is to be told of a chain.

    Args:
        chain: what was read of it.
        before: its last snapshot; None if it was never taken over.
        view: the circumstances.
    """
    row = chain.row
    if before is not None and chain.is_gone:
        return _compared(before, _renamed(deleted(before), chain))
    if row is None:
        return Skipped(Outcome.SUPERSEDED)
    skipped = _invalid(row) or _stale(row, before, view.now) or (_foreign(row, view) if before is None else None)
    if skipped is not None:
        return skipped
    snapshot = _snapshot(chain, row, before, view)
    if snapshot is None:
        return Skipped(Outcome.UNMAPPED_EVENT_TYPE)
    if chain.is_gone:
        return _compared(before, deleted(snapshot))
    return _compared(before, snapshot, is_doubtful=before is not None and _is_doubtful(before, snapshot, view))


def _compared(before: CalcomBooking | None, after: CalcomBooking, *, is_doubtful: bool = False) -> Observed | Skipped:
    names = changed(before, after)
    if before is not None and not names:
        return Skipped(Outcome.UNCHANGED)
    if len(after.uids) > UIDS or len(after.model_dump_json().encode()) > SNAPSHOT_BYTES:
        return Skipped(Outcome.INVALID)
    return Observed(after, names, is_doubtful)


def _is_doubtful(before: CalcomBooking, after: CalcomBooking, view: View) -> bool:
    """Tell whether a row differs that Cal.com says it has not touched; by time and settings any of them may."""
    if (before.uid, before.updated_at) != (after.uid, after.updated_at):
        return False
    settings = {name: getattr(after, name) for name in _SET_HERE}
    expected = aged(before, view.now, view.grace).model_copy(update=settings)
    return bool(changed(expected, after))


def _renamed(snapshot: CalcomBooking, chain: Chain) -> CalcomBooking:
    return snapshot.model_copy(update={"uid": chain.uid, "uids": chain.uids})


def _invalid(row: Row) -> Skipped | None:
    """Skip what can be no booking: of an unknown status, without an extent in time, of a crowd, or too deep."""
    possible = (
        standing(row, row.end, timedelta()) is not None
        and row.end > row.start
        and len(row.attendees) <= PEOPLE
        and not is_too_deep(dict(row.metadata))
    )
    return None if possible else Skipped(Outcome.INVALID)


def _stale(row: Row, before: CalcomBooking | None, now: datetime) -> Skipped | None:
    if before is None or before.uid != row.uid or before.updated_at is None or row.updated_at is None:
        return None
    if before.updated_at > now + REPLICA_LAG:  # no clock is that wrong for long: every later row would be older
        return None
    return Skipped(Outcome.STALE) if row.updated_at < before.updated_at else None


def _foreign(row: Row, view: View) -> Skipped | None:
    """Skip what was never taken over and is not meant: no time that was asked for, or somebody else's booking."""
    if view.owner is not None and _is_only_attendee(row, view.owner):
        return Skipped(Outcome.ATTENDEE_ONLY)
    return None if view.window.has(row.start, row.end) else Skipped(Outcome.OUT_OF_RANGE)


def _is_only_attendee(row: Row, owner: str) -> bool:
    return owner in _emails(row.attendees) and bool(row.hosts) and owner not in _emails(row.hosts)


def _emails(people: Iterable[CalcomAttendee | CalcomHost]) -> set[str]:
    return {person.email.lower() for person in people}


def _snapshot(chain: Chain, row: Row, before: CalcomBooking | None, view: View) -> CalcomBooking | None:
    kind = _kind(chain, before)
    place, stands = place_of(kind, view.terms, before), standing(row, view.now, view.grace)
    if place is None or stands is None:
        return None
    status, reason = stands
    attendees = tuple(one.model_copy(update={"timezone": zone_of(one.timezone)}) for one in row.attendees)
    return CalcomBooking(
        chain_id=chain.id,
        uid=chain.uid,
        uids=chain.uids,
        status=status,
        status_reason=reason,
        start_time=row.start,
        end_time=row.end,
        title=row.title,
        description=row.description,
        location=row.location,
        location_type=location_type_of(row.location),
        timezone=_zone(chain, before),
        schedule_id=place.schedule_id,
        event_type_id=place.event_type_id,
        calcom_event_type=kind,
        host=_host(chain, before),
        attendees=in_known_order(attendees, () if before is None else before.attendees),
        party_size=max(1, len(row.attendees)),
        recurring_booking_uid=row.recurring_booking_uid,
        absent_host=row.absent_host,
        rescheduled_reason=_why_rescheduled(row),
        metadata={name: value for name, value in row.metadata.items() if not name.startswith(OURS)},
        times_editable=view.terms.times_editable,
        created_at=min([one.created_at for one in chain.rows] + ([] if before is None else [before.created_at])),
        updated_at=row.updated_at,
    )


def _kind(chain: Chain, before: CalcomBooking | None) -> CalcomEventType | None:
    """Tell the event type, which a chain keeps: what one row does not say of it, an earlier one does."""
    said = [row.event_type for row in reversed(chain.rows)] + [None if before is None else before.calcom_event_type]
    found = [kind for kind in said if kind is not None]
    if not found:
        return None
    number = next((kind.id for kind in found if kind.id is not None), None)
    return CalcomEventType(id=number, slug=next((kind.slug for kind in found if kind.slug is not None), None))


def _host(chain: Chain, before: CalcomBooking | None) -> CalcomHost | None:
    """Tell who receives the attendees; where Cal.com does not know, whom it knew last."""
    found = next((row.hosts[0] for row in reversed(chain.rows) if row.hosts), None)
    return found or (None if before is None else before.host)


def _zone(chain: Chain, before: CalcomBooking | None) -> str | None:
    """Tell the host's time zone, likewise."""
    found = next((row.timezone for row in reversed(chain.rows) if row.timezone), None)
    return zone_of(found) or (None if before is None else before.timezone)


def _why_rescheduled(row: Row) -> str | None:
    """Tell why it was moved: a row that was moved here carries that in `cancellationReason` while it is live."""
    carried = row.cancellation_reason if row.rescheduled_from and row.is_live else None
    return row.rescheduling_reason or carried or None
