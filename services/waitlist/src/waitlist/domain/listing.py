"""What lists are asked for and answered with.

Invariant: a list is always one organization's; for a client key it is that client's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from waitlist.domain.entry import Placed
from waitlist.domain.status import Status


@dataclass(frozen=True)
class Page:
    """Which part of a list is wanted; the first is number 1."""

    number: int
    limit: int

    @property
    def offset(self) -> int:
        """How many entries stand before the page."""
        return (self.number - 1) * self.limit


@dataclass(frozen=True)
class Found:
    """A page of a list, with the length of the whole."""

    items: Sequence[Placed]
    total: int
    page: Page

    @property
    def pages(self) -> int:
        """How many pages the whole list has."""
        return -(-self.total // self.page.limit)


@dataclass(frozen=True, kw_only=True)
class EntryFilter:
    """The filters of seed 000's list, and one for event instances; None filters nothing."""

    location_id: str | None = None
    event_instance_id: str | None = None
    status: Status | None = None
    requested_date: date | None = None
