"""What lists of bookings are asked for with, read as Cal.com reads it.

Invariant: what is not a value that the parameter may have is told, all of it at once; unknown parameters are ignored.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from support.calcom.rows import Booking

STATUSES = ("upcoming", "recurring", "past", "cancelled", "unconfirmed")
SORTS = ("sortStart", "sortEnd", "sortCreated", "sortUpdatedAt")
MOST, USUAL = 250, 100
MOST_BY_CURSOR, USUAL_BY_CURSOR = 100, 50


class FlawedError(Exception):
    """What is wrong with a request, parameter by parameter."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__(*errors)
        self.errors = errors


@dataclass(frozen=True)
class Asked:
    """A list that was asked for; empty or None filters nothing."""

    statuses: tuple[str, ...] = ()
    equal: Mapping[str, str] = field(default_factory=dict)
    event_types: tuple[str, ...] = ()
    bounds: Mapping[str, datetime] = field(default_factory=dict)
    sort: str = "sortStart"
    descending: bool = False
    take: int = USUAL
    skip: int = 0
    cursor: str | None = None


def asked(query: Mapping[str, str], *, by_cursor: bool) -> Asked:
    """Read a query.

    Raises:
        FlawedError: some of it cannot be.
    """
    errors: list[str] = []
    sort, descending = _sort(query, errors)
    statuses = _one_of(query, "status", STATUSES, errors)
    if by_cursor and len(statuses) > 1:
        errors.append("status must be one value")
    take = ("limit", USUAL_BY_CURSOR, 1, MOST_BY_CURSOR) if by_cursor else ("take", USUAL, 1, MOST)
    read = Asked(
        statuses=statuses,
        equal={name: query[name] for name in ("bookingUid", "attendeeEmail", "attendeeName") if name in query},
        event_types=_event_types(query),
        bounds=_bounds(query, errors),
        sort=sort,
        descending=descending,
        take=_number(query, *take, errors),
        skip=0 if by_cursor else _number(query, "skip", 0, 0, None, errors),
        cursor=query.get("cursor") if by_cursor else None,
    )
    if errors:
        raise FlawedError(errors)
    return read


def is_meant(row: Booking, what: Asked, now: datetime) -> bool:
    """Tell whether a row passes the filters by status, by who and by what kind."""
    return (
        (not what.statuses or any(_HAS_STATUS[status](row, now) for status in what.statuses))
        and (not what.event_types or str(row.kind.id) in what.event_types)
        and ("bookingUid" not in what.equal or row.uid == what.equal["bookingUid"])
        and _has_attendee(row, what.equal)
    )


_HAS_STATUS: Mapping[str, Callable[[Booking, datetime], bool]] = {
    "upcoming": lambda row, now: row.end >= now and not row.is_over,  # the pending ones too
    "recurring": lambda row, now: row.end >= now and not row.is_over and row.recurring_uid is not None,
    "past": lambda row, now: row.end <= now and not row.is_over,
    "cancelled": lambda row, _: row.is_over,
    "unconfirmed": lambda row, now: row.end >= now and row.status == "pending",
}


def _has_attendee(row: Booking, equal: Mapping[str, str]) -> bool:
    email, name = equal.get("attendeeEmail"), equal.get("attendeeName")
    stored = [(attendee.stored_email or attendee.email, attendee.name) for attendee in row.attendees]
    return (email is None or any(email == each for each, _ in stored)) and (
        name is None or any(name == each for _, each in stored)
    )


def _event_types(query: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(each for name in ("eventTypeId", "eventTypeIds") if name in query for each in query[name].split(","))


def _bounds(query: Mapping[str, str], errors: list[str]) -> dict[str, datetime]:
    names = ["afterStart", "beforeEnd"]
    names += [f"{way}{what}" for way in ("after", "before") for what in ("CreatedAt", "UpdatedAt")]
    found = {}
    for name in names:
        if name in query:
            try:
                read = datetime.fromisoformat(query[name])
            except ValueError:
                errors.append(f"{name} must be a valid ISO 8601 date string")
            else:
                found[name] = read if read.tzinfo else read.replace(tzinfo=UTC)
    return found


def _sort(query: Mapping[str, str], errors: list[str]) -> tuple[str, bool]:
    given = [name for name in SORTS if _one_of(query, name, ("asc", "desc"), errors)]
    return (given[0], query[given[0]] == "desc") if given else ("sortStart", False)


def _one_of(query: Mapping[str, str], name: str, values: tuple[str, ...], errors: list[str]) -> tuple[str, ...]:
    given = tuple(query[name].split(",")) if name in query else ()
    if set(given) - set(values):
        errors.append(f"{name} must be one of the following values: {', '.join(values)}")
    return given


def _number(query: Mapping[str, str], name: str, usual: int, least: int, most: int | None, errors: list[str]) -> int:
    try:
        number = int(query.get(name, usual))
    except ValueError:
        errors.append(f"{name} must be a number")
        return usual
    if number < least:
        errors.append(f"{name} must not be less than {least}")
    if most is not None and number > most:
        errors.append(f"{name} must not be greater than {most}")
    return number
