"""Rules that creating and changing a booking share.

Invariant: a check answers nothing and changes nothing; what breaks its rule is refused by raising.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from booking.domain.actors import Actor
from booking.domain.errors import Flaw, Flaws, OutsideAvailabilityError, ValidationFailedError
from booking.domain.hours import is_open
from booking.domain.place import Place, TablePlace
from booking.domain.times import Span
from slotwire_contracts import METADATA_DEPTH, is_too_deep

METADATA_BYTES = 16 * 1024
"""What a booking's metadata may measure as JSON: a snapshot of it travels three times in one Kafka record."""

EXTERNAL_METADATA_BYTES = 192 * 1024
"""What that of a booking from elsewhere may measure, where every attendee of a class may stand; three still fit."""


def check_metadata(metadata: Mapping[str, object], *, at_most: int = METADATA_BYTES) -> None:
    """Refuse metadata that cannot be stored and sent on.

    Raises:
        ValidationFailedError: it is too large or too deep, or holds what JSON has no text or number for.
    """
    if is_too_deep(dict(metadata)):
        raise ValidationFailedError(Flaw("metadata", f"must have at most {METADATA_DEPTH} levels", "max_depth"))
    try:
        size = len(json.dumps(dict(metadata), ensure_ascii=False, allow_nan=False).encode())
    except ValueError:
        raise ValidationFailedError(Flaw("metadata", "must hold valid text and finite numbers only", "json")) from None
    if size > at_most:
        raise ValidationFailedError(Flaw("metadata", f"must measure at most {at_most} bytes as JSON", "max_size"))


def check_not_past(start: datetime, actor: Actor, now: datetime) -> None:
    """Refuse a client who books the past; staff import and enter walk-ins (api.md section 2).

    Raises:
        ValidationFailedError: the start lies before now.
    """
    if actor.is_client and start < now:
        raise ValidationFailedError(Flaw("start_time", "must not lie in the past", "past"))


def check_open(span: Span, place: Place) -> None:
    """Refuse a time outside the opening hours of schedule and location; buffers may lie outside.

    Raises:
        OutsideAvailabilityError: it does.
    """
    for noun, found in (("schedule", place.schedule), ("location", place.location)):
        if found is not None and not is_open(found.hours, found.timezone, span):
            raise OutsideAvailabilityError(
                f"the {noun} is not open for all of that time", param="start_time", details={"zone": found.timezone}
            )


def check_tables(table_ids: Sequence[str], place: Place, party_size: int) -> None:
    """Refuse tables that are not the location's, or that the party does not fit.

    Raises:
        ValidationFailedError: a table is unknown, of another location or named twice; or the party is larger than all
            of them together, or smaller than one of them is for.
    """
    flaws = Flaws()
    if table_ids and place.location is None:
        flaws.add("table_ids", "must be empty for a booking without a location", "location_id")
        flaws.tell()
    for table_id, count in Counter(table_ids).items():
        if count > 1:
            flaws.add("table_ids", f"must not name {table_id} twice", "unique")
    known = {table.table_id: table for table in place.tables}
    unknown = [table_id for table_id in dict.fromkeys(table_ids) if table_id not in known]
    for table_id in unknown:
        flaws.add("table_ids", f"must name tables of the location, and {table_id} is none", "unknown")
    if not unknown:
        _check_party([known[table_id] for table_id in dict.fromkeys(table_ids)], party_size, flaws)
    flaws.tell()


def _check_party(tables: Sequence[TablePlace], party_size: int, flaws: Flaws) -> None:
    seats = sum(table.max_party for table in tables)
    if tables and party_size > seats:
        flaws.add("table_ids", f"must seat {party_size} people, and these tables seat {seats}", "max_party")
    for table in tables:
        if party_size < table.min_party:
            told = f"must not name {table.table_id}, which takes parties of {table.min_party} or more"
            flaws.add("table_ids", told, "min_party")


def check_known(place: Place, *, schedule_id: str | None, location_id: str | None, event_type_id: str | None) -> None:
    """Refuse ids that name nothing of this organization, and an event type of another schedule.

    Raises:
        ValidationFailedError: with each of them.
    """
    flaws = Flaws()
    for param, noun, given, found in (
        ("schedule_id", "schedule", schedule_id, place.schedule),
        ("location_id", "location", location_id, place.location),
        ("event_type_id", "event type", event_type_id, place.appointment),
    ):
        if given is not None and found is None:
            flaws.add_unknown(param, noun)
    bound_to = place.appointment.schedule_id if place.appointment else None
    if bound_to is not None and bound_to != schedule_id:
        flaws.add("event_type_id", "must not be the id of another schedule's event type", "schedule_id")
    flaws.tell()
