"""What differs between two snapshots of a chain.

Invariant: two snapshots have the same fingerprint exactly when no field is named as changed. `updated_at` is no
difference by itself: Cal.com moves it for much that nobody sees here, and does not for some that they do.
"""

import hashlib
import json

from slotwire_contracts import CalcomBooking

_UNSEEN = frozenset({"updated_at"})


def changed(before: CalcomBooking | None, after: CalcomBooking) -> tuple[str, ...]:
    """Name the fields that differ, in their order; none of a first snapshot's."""
    if before is None:
        return ()
    seen = [name for name in CalcomBooking.model_fields if name not in _UNSEEN]
    return tuple(name for name in seen if getattr(before, name) != getattr(after, name))


def fingerprint(snapshot: CalcomBooking) -> str:
    """Make what is compared instead of a whole snapshot."""
    told = snapshot.model_dump(mode="json", exclude=set(_UNSEEN))
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
