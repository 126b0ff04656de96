"""A clock that tests turn."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass
class Watch:
    """A clock that goes with the real one, ahead of it by as much as a test turns it."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        """Tell the time."""
        return datetime.now(UTC) + self.ahead

    def turn(self, **ahead: float) -> None:
        """Turn it on."""
        self.ahead += timedelta(**ahead)
