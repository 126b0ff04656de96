"""The id of a delivery, which is its `webhook-id`: derived from the event and the subscription, never drawn.

Invariant: the same event and subscription always give the same id (architecture.md I5), and ids sort by the time of
their event. So the primary key of deliveries is the uniqueness of (event, subscription).
"""

import hashlib
import re
from datetime import UTC, datetime, timedelta

EVENT, DELIVERY = "evt", "dlv"
"""What the ids of each begin with, before the underscore."""

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base32 in lower case, as in TypeIDs
_AS_DIGITS = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")  # what int() reads in base 32
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TYPE_ID = re.compile(r"([0-7][0-9a-hjkmnp-tv-z]{9})[0-9a-hjkmnp-tv-z]{16}")  # behind the prefix; ten are the time
_VERSION_AND_VARIANT = 0x7 << 76 | 0b10 << 62
_NOISE = (1 << 80) - 1 & ~(0xF << 76) & ~(0b11 << 62)


class UnsortableIdError(ValueError):
    """An event's id is no TypeID over a UUIDv7, so it carries no time."""


def delivery_id(event_id: str, subscription_id: str) -> str:
    """Derive the id of an event's delivery to a subscription.

    It is `dlv_` and a UUIDv7: the milliseconds of the event's id, then 74 bits of the SHA-256 of both ids.

    Raises:
        UnsortableIdError: the event's id carries no time.
    """
    digest = hashlib.sha256(f"{event_id}\0{subscription_id}".encode()).digest()
    noise = int.from_bytes(digest[:10], "big") & _NOISE
    return f"{DELIVERY}_" + _encode(_milliseconds(event_id) << 80 | _VERSION_AND_VARIANT | noise)


def instant_of(sortable_id: str) -> datetime:
    """Tell the time that a sortable id carries, in UTC, to the millisecond.

    Raises:
        UnsortableIdError: the id carries no time, or one that no calendar has.
    """
    try:
        return _EPOCH + timedelta(milliseconds=_milliseconds(sortable_id))
    except OverflowError as error:
        raise UnsortableIdError(f"{sortable_id!r} carries a time beyond the calendar") from error


def first_event_id(since: datetime) -> str:
    """Tell the least id that an event since an instant can have."""
    return _first_id(EVENT, since)


def first_delivery_id(since: datetime) -> str:
    """Tell the least id that the delivery of an event since an instant can have."""
    return _first_id(DELIVERY, since)


def _first_id(prefix: str, since: datetime) -> str:
    return f"{prefix}_{_encode(max(0, int(since.timestamp() * 1000)) << 80)}"


def _milliseconds(sortable_id: str) -> int:
    match = _TYPE_ID.fullmatch(sortable_id, sortable_id.rfind("_") + 1)
    if match is None:
        raise UnsortableIdError(f"{sortable_id!r} is no TypeID")
    return int(match[1].translate(_AS_DIGITS), 32)


def _encode(number: int) -> str:
    return "".join(_PAIRS[number >> shift & 0x3FF] for shift in range(120, -1, -10))
