"""Time as a dependency: whoever needs the current instant is handed a clock.

Invariant: every instant inside Slotwire is aware and in UTC.
"""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Tell the current instant in UTC."""
    return datetime.now(UTC)
