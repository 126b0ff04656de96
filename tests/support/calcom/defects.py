"""What is wrong with Cal.com's API, each defect a switch (scheduling.md section 1).

Invariant: with everything off the API does what its description says.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum


class Malformed(Enum):
    """How a page can be broken."""

    CUT_OFF = "the JSON ends in its middle"
    NO_JSON = "a page in HTML"
    NO_LIST = "`data` is a text"
    NO_UID = "a booking has no uid"
    NO_START = "a booking's start is no time"
    NO_OBJECT = "a booking is a number"


@dataclass(frozen=True)
class Throttle:
    """How many requests a key may make in a window of real seconds, and for how long it is locked out after that."""

    limit: int = 120
    window: float = 60.0
    block: float = 60.0


@dataclass
class Defects:
    """The switches, which a test may turn while the server runs.

    Attributes:
        wrong_totals: the count leaves out filters by creation and update, so totals and `hasNextPage` are too high.
        short_pages: a page has no more rows than so many, whatever is asked for.
        trailing_pages: so many empty pages are said to follow the last one.
        list_lag: lists come from a replica that is so far behind.
        read_lag: single bookings do.
        nulls: of every third booking `eventType`, of every fourth `eventTypeId`, of every fifth `description`, and of
            every seventh `updatedAt` is null; one without the latter matches no filter by it.
        unknown_host: every third booking's host has the id "unknown", and nothing else that is known.
        null_successor: a rescheduled row does not say what became of it.
        no_tie_breaker: rows that are equal in what is sorted by come in another order each time.
        mixed_people: a booking's attendees come in another order each time.
        old_version: the version header is lost on the way, so the oldest version answers.
        offset_in_cursor_mode: the version with cursors answers with the other version's pagination.
        cursor_mode_hangs: the version with cursors answers 524, at once.
        ignores_after_start: the filter by start does nothing.
        stuck: every page is the first one.
        endless_list: there is always another page, with bookings that no other one has.
        endless_chain: the uid of a booking that was moved to one that was moved, and so on.
        throttle: who asks too often is locked out.
        failing: so many answers are a failure of the server's; counts down.
        malformed: how every page is broken.
        forbidden: the uids of bookings that are in lists, and yet refused by themselves.
        down: the connection is cut without an answer.
        delay: seconds before every answer.
    """

    wrong_totals: bool = False
    short_pages: int | None = None
    trailing_pages: int = 0
    list_lag: timedelta = timedelta()
    read_lag: timedelta = timedelta()
    nulls: bool = False
    unknown_host: bool = False
    null_successor: bool = False
    no_tie_breaker: bool = False
    mixed_people: bool = False
    old_version: bool = False
    offset_in_cursor_mode: bool = False
    cursor_mode_hangs: bool = False
    ignores_after_start: bool = False
    stuck: bool = False
    endless_list: bool = False
    endless_chain: str | None = None
    throttle: Throttle | None = None
    failing: int = 0
    malformed: Malformed | None = None
    forbidden: Collection[str] = ()
    down: bool = False
    delay: float = 0.0
