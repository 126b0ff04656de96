"""Instants as callers write them.

Invariant: what is accepted names one instant: it carries its offset from UTC, and no other notation passes.
"""

import re
from datetime import UTC, datetime

_INSTANT = re.compile(
    r"(?P<wall>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?)"
    r"(?P<offset>Z|[+-][0-9]{2}:[0-9]{2})?",
    re.IGNORECASE,
)


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 instant with an offset into UTC.

    Raises:
        ValueError: with a message for the caller.
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise ValueError("must be an ISO 8601 instant such as 2026-02-15T10:00:00Z")
    if match["offset"] is None:
        raise ValueError("must carry an offset from UTC, such as Z or +01:00")
    try:
        return datetime.fromisoformat((match["wall"] + match["offset"]).upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a date and time that exist") from None
