"""Rules that creating and changing a booking share; what breaks one is refused by raising."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from booking.domain.actors import Actor
from booking.domain.booking import Booking
from booking.domain.errors import OutsideAvailabilityError, ValidationFailedError
from booking.domain.hours import is_open
from booking.domain.place import Place
from slotwire_contracts import METADATA_DEPTH, is_too_deep

METADATA_BYTES = 16 * 1024
"""What a booking's metadata may measure as JSON: a snapshot of it travels three times in one Kafka record."""


def merge_metadata(before: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """Set the given keys; a value of None takes its key away (api.md section 2).

    Raises:
        ValidationFailedError: the whole is too large or too deep, or holds what JSON has no text or number for.
    """
    if is_too_deep(dict(changes)):
        raise ValidationFailedError(
            f"metadata nests at most {METADATA_DEPTH} levels.", param="metadata", rule="max_depth"
        )
    merged = {key: value for key, value in {**before, **changes}.items() if value is not None}
    try:
        size = len(json.dumps(merged, ensure_ascii=False, allow_nan=False).encode())
    except ValueError:
        raise ValidationFailedError(
            "metadata must hold valid text and finite numbers.", param="metadata", rule="json"
        ) from None
    if size > METADATA_BYTES:
        raise ValidationFailedError(
            f"metadata measures at most {METADATA_BYTES} bytes as JSON.", param="metadata", rule="max_size"
        )
    return merged


def check_not_past(booking: Booking, actor: Actor, now: datetime) -> None:
    """Refuse a client who books the past; staff import and enter walk-ins (api.md section 2).

    Raises:
        ValidationFailedError: the booking starts before now.
    """
    if actor.is_client and booking.start_time < now:
        raise ValidationFailedError("start_time must not lie in the past.", param="start_time", rule="past")


def check_open(booking: Booking, place: Place) -> None:
    """Refuse a time outside the schedule's weekly hours; buffers may lie outside.

    Raises:
        OutsideAvailabilityError: it does.
    """
    schedule = place.schedule
    if schedule is None or not schedule.weekly_hours:
        return
    if not is_open(schedule.weekly_hours, schedule.timezone, booking.span):
        raise OutsideAvailabilityError(
            "The schedule is not open for all of that time.", param="start_time", details={"zone": schedule.timezone}
        )


def check_tables(table_ids: Sequence[str], place: Place, party_size: int) -> None:
    """Refuse tables that are not the location's, or that the party does not fit.

    Raises:
        ValidationFailedError: a table is unknown, of another location or named twice; or the party is larger than all
            of them together, or smaller than one of them is for.
    """
    if len(set(table_ids)) != len(table_ids):
        raise ValidationFailedError("table_ids names a table twice.", param="table_ids", rule="unique")
    known = {table.table_id: table for table in place.tables}
    unknown = [table_id for table_id in table_ids if table_id not in known]
    if unknown:
        raise ValidationFailedError(f"The location has no table {unknown[0]}.", param="table_ids", rule="unknown")
    tables = [known[table_id] for table_id in table_ids]
    if tables and party_size > sum(table.max_party for table in tables):
        raise ValidationFailedError(
            f"The tables seat fewer than {party_size} people.", param="table_ids", rule="max_party"
        )
    if tables and party_size < max(table.min_party for table in tables):
        raise ValidationFailedError(
            f"A table is for more than {party_size} people.", param="table_ids", rule="min_party"
        )
