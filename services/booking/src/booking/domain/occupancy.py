"""What a booking occupies, and what a change of it means for that (architecture.md section 5, Occupancy).

Invariant: only the statuses in `OCCUPYING` take time, COMPLETED keeps what it has used up, and buffers always belong
to the time that is taken.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, assert_never
from zlib import crc32

from booking.domain.booking import Booking
from booking.domain.errors import SlotUnavailableError
from booking.domain.place import Place, TablePlace
from booking.domain.status import OCCUPYING, Status
from booking.domain.times import Span, check_span


@dataclass(frozen=True)
class Refusal:
    """What a caller is told whose demand cannot be met, and about which field."""

    message: str
    param: str


TAKEN = Refusal("that time is taken", "start_time")


@dataclass(frozen=True)
class AnyOf:
    """One of these resources, the first that is free."""

    resource_nos: tuple[int, ...]
    refusal: Refusal = TAKEN


@dataclass(frozen=True)
class AllOf:
    """All of these resources."""

    resource_nos: tuple[int, ...]
    refusal: Refusal = TAKEN


Demand = AnyOf | AllOf


class Claimant(Protocol):
    """Who claims: a booking or a hold."""

    @property
    def id(self) -> str:
        """Its own id."""

    @property
    def party_size(self) -> int:
        """How many come."""

    @property
    def table_ids(self) -> Collection[str]:
        """The tables that it has already."""


@dataclass(frozen=True)
class Keep:
    """What is occupied stays as it is."""


@dataclass(frozen=True)
class Release:
    """Everything falls free."""


@dataclass(frozen=True)
class Shorten:
    """The end of the occupied time moves forward, which can be in nobody's way."""

    end: datetime


@dataclass(frozen=True)
class Reclaim:
    """What was occupied falls free, and the span is claimed."""

    span: Span


Plan = Keep | Release | Shorten | Reclaim


@dataclass(frozen=True)
class Claim:
    """The resources that a booking takes, all of them for the same span."""

    resource_nos: tuple[int, ...]
    span: Span


def stored_span(booking: Booking) -> Span:
    """Answer the booking's span with its buffers.

    Raises:
        ValidationFailedError: as `check_span` says.
    """
    return check_span(
        booking.span, before_minutes=booking.buffer_before_minutes, after_minutes=booking.buffer_after_minutes
    )


def plan(before: Booking, after: Booking, *, reassign: bool, now: datetime) -> Plan:
    """Decide what a change means for what the booking occupies.

    Args:
        before: the booking as it is stored.
        after: the booking as it is to be, both of them with storable spans.
        reassign: whether it gets other tables.
        now: the current instant; a booking that completes falls free from here on.
    """
    if before.status is after.status and before.span == after.span and not reassign:
        return Keep()
    held, wanted = occupied(before, now), occupied(after, now)
    if wanted is None:
        return Release() if held else Keep()
    if held and not reassign and wanted.start == held.start and wanted.end <= held.end:
        return Keep() if wanted == held else Shorten(wanted.end)
    return Reclaim(wanted)


def occupied(booking: Booking, now: datetime) -> Span | None:
    """Answer the time that a booking takes, buffers included; None when it takes none.

    Args:
        booking: with a span that can be stored.
        now: the current instant; what has completed takes nothing from here on.
    """
    span = stored_span(booking)
    if booking.status in OCCUPYING:
        return span
    if booking.status is Status.COMPLETED:
        until = min(span.end, now.replace(microsecond=0))
        return Span(span.start, until) if span.start < until else None
    return None


def fitting_tables(tables: Collection[TablePlace], party_size: int) -> tuple[TablePlace, ...]:
    """Answer the tables that seat the party alone, the smallest first."""
    fitting = [table for table in tables if table.min_party <= party_size <= table.max_party]
    return tuple(sorted(fitting, key=lambda table: (table.max_party, table.resource_no)))


def demands(claimant: Claimant, place: Place, *, chosen: Collection[str] | None) -> list[Demand]:
    """Tell what the booking needs of the place: a lane of its schedule, and a table of its location.

    A location without tables is occupied by nobody. What the booking has is preferred to what else would do.

    Args:
        claimant: who needs it.
        place: where.
        chosen: the tables that were chosen for it, all of them; None when one that fits is to be found.
    """
    own = {*place.held, *(table.resource_no for table in place.tables if table.table_id in claimant.table_ids)}
    wanted: list[Demand] = []
    if place.schedule is not None:
        wanted.append(AnyOf(_preferred(place.schedule.lanes, own)))
    if chosen:
        kept = set(chosen) == set(claimant.table_ids)
        refusal = TAKEN if kept else Refusal("not all of these tables are free at that time", "table_ids")
        wanted.append(AllOf(tuple(table.resource_no for table in place.tables if table.table_id in chosen), refusal))
    elif chosen is None and place.tables:
        fitting = tuple(table.resource_no for table in fitting_tables(place.tables, claimant.party_size))
        no_table = Refusal(f"no table of the location takes a party of {claimant.party_size}", "party_size")
        wanted.append(AnyOf(_preferred(fitting, own), TAKEN if fitting else no_table))
    return wanted


def choose(wanted: Collection[Demand], claimant: Claimant, place: Place, *, span: Span, attempt: int = 1) -> Claim:
    """Choose free resources for what a booking needs: of those that would do, the first.

    Args:
        wanted: what it needs.
        claimant: who needs it.
        place: where, with what is taken in that span.
        span: when.
        attempt: 1, and more when others took the first choice meanwhile: then each booking chooses differently, among
            the more the later it is, so that many who race for many places do not all race for the same one.

    Raises:
        SlotUnavailableError: not all of it is free.
    """
    numbers: list[int] = []
    for demand in wanted:
        free = [number for number in demand.resource_nos if number not in place.taken]
        match demand:
            case AllOf(resource_nos, refusal):
                if len(free) < len(resource_nos):
                    raise SlotUnavailableError(refusal.message, param=refusal.param)
                numbers += free
            case AnyOf(_, refusal):
                if not free:
                    raise SlotUnavailableError(refusal.message, param=refusal.param)
                numbers.append(free[crc32(claimant.id.encode()) % min(attempt**2, len(free)) if attempt > 1 else 0])
            case _:
                assert_never(demand)
    return Claim(tuple(numbers), span)


def _preferred(resource_nos: tuple[int, ...], held: Collection[int]) -> tuple[int, ...]:
    return tuple(sorted(resource_nos, key=lambda number: number not in held))


def tables_among(place: Place, claimed: Collection[int]) -> tuple[str, ...]:
    """Answer the ids of the tables among the claimed resources, in the order of the place."""
    return tuple(table.table_id for table in place.tables if table.resource_no in claimed)
