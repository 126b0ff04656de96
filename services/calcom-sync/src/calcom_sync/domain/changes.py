"""What differs between two snapshots of a chain.

Invariant: two snapshots have the same fingerprint exactly when no field is named as changed. `updated_at` is no
difference by itself: Cal.com moves it for much that nobody sees here, and does not for some that they do.
"""

import hashlib
import json
from typing import Any

from slotwire_contracts import CalcomBooking

_UNSEEN = frozenset({"updated_at"})


def changed(before: CalcomBooking | None, after: CalcomBooking) -> tuple[str, ...]:
    """Name the fields that differ, in their order; none of a first snapshot's."""
    if before is None:
        return ()
    known, told = _seen(before), _seen(after)
    return tuple(name for name in told if _written(known[name]) != _written(told[name]))


def fingerprint(snapshot: CalcomBooking) -> str:
    """Make what is compared instead of a whole snapshot."""
    return hashlib.sha256(_written(_seen(snapshot)).encode()).hexdigest()


def _seen(snapshot: CalcomBooking) -> dict[str, Any]:
    return snapshot.model_dump(mode="json", exclude=set(_UNSEEN))


def _written(value: object) -> str:
    """Write a value as JSON, where 1 is not true, as it is in Python."""
    return json.dumps(value, sort_keys=True)
