"""What a booking occupies, and what a change of it means for that (architecture.md section 5, Occupancy).

Invariant: only the statuses in `OCCUPYING` take time, COMPLETED keeps what it has used up, and buffers always belong
to the time that is taken.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Protocol, assert_never
from zlib import crc32

from booking.domain.booking import Booking
from booking.domain.errors import SlotUnavailableError
from booking.domain.place import Place, TablePlace
from booking.domain.seating import Seating, seatings, suits
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
    """One of these resources, the first that is free, with one more of them free for each of `unplaced`."""

    resource_nos: tuple[int, ...]
    unplaced: int = 0
    refusal: Refusal = TAKEN


@dataclass(frozen=True)
class AllOf:
    """All of these resources."""

    resource_nos: tuple[int, ...]
    refusal: Refusal = TAKEN


@dataclass(frozen=True)
class TablesFor:
    """Tables that seat a party, the first that are free: one, or several put together.

    Attributes:
        tables: all that there are.
        party_size: how many are to be seated.
        own: numbers of those that it has already; they come first if they suit it and all of them are needed.
    """

    tables: Seating
    party_size: int
    own: frozenset[int] = frozenset()

    @property
    def refusal(self) -> Refusal:
        """What is told when none are free, or when the party is one that they can never seat."""
        if self.among(frozenset(table.resource_no for table in self.tables), 1):
            return TAKEN
        return Refusal(f"no table of the location takes a party of {self.party_size}", "party_size")

    def among(self, free: Collection[int], most: int) -> list[tuple[int, ...]]:
        """Answer the first choices that are free, disjoint ones."""
        own = [table for table in self.tables if table.resource_no in self.own]
        kept = self.own <= set(free) and suits(own, self.party_size) and not self._has_too_many(own)
        first = [tuple(own)] if kept else []
        rest = [table for table in self.tables if table.resource_no in free and not (first and table in own)]
        found = islice(chain(first, seatings(rest, self.party_size)), most)
        return [tuple(table.resource_no for table in seating) for seating in found]

    def _has_too_many(self, own: Collection[TablePlace]) -> bool:
        """Tell whether one of several tables is not needed to seat the party: it has become smaller since."""
        return any(suits([table for table in own if table is not spare], self.party_size) for spare in own)


Demand = AnyOf | AllOf | TablesFor


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


@dataclass(frozen=True)
class Freed:
    """Time of a schedule that is left to others, or such as contains it."""

    schedule_id: str
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
    held, wanted = _held(before, now), occupied(after, now)
    if wanted is None:
        return Release() if held else Keep()
    if before.conflict and before.span == after.span:
        return Keep()  # it waits for its time under another status too
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


def _held(booking: Booking, now: datetime) -> Span | None:
    """Answer the time that a stored booking has."""
    return None if booking.conflict else occupied(booking, now)


def is_unplaced(after: Booking, claim: Claim | None, now: datetime) -> bool:
    """Tell whether a changed booking that waited for its time goes on waiting."""
    return after.conflict and claim is None and occupied(after, now) is not None


def freed(before: Booking, after: Booking, now: datetime) -> Freed | None:
    """Tell what of a schedule's time a change leaves to others, if any.

    Args:
        before: the booking as it was stored.
        after: as it is stored now.
        now: the current instant.
    """
    held, has = _held(before, now), _held(after, now)
    if held is None or before.schedule_id is None:
        return None
    moved = before.schedule_id != after.schedule_id
    if moved or has is None or has.start > held.start or has.end < held.end:
        # How much of it one had used up that had completed, only its claim knows.
        return Freed(before.schedule_id, stored_span(before))
    return None


def demands(claimant: Claimant, place: Place, *, chosen: Collection[str] | None) -> list[Demand]:
    """Tell what the booking needs of the place: a lane of its schedule, and tables of its location.

    A location without tables is occupied by nobody. What the booking has is preferred to what else would do.

    Args:
        claimant: who needs it.
        place: where.
        chosen: the tables that were chosen for it, all of them; None when such as seat its party are to be found.
    """
    numbers = {table.table_id: table.resource_no for table in place.tables}
    own = place.held | {numbers[table_id] for table_id in claimant.table_ids if table_id in numbers}
    wanted: list[Demand] = []
    if place.schedule is not None:
        lanes = tuple(sorted(place.schedule.lanes, key=lambda number: number not in own))
        wanted.append(AnyOf(lanes, place.unplaced))
    if chosen:
        kept = set(chosen) == set(claimant.table_ids)
        refusal = TAKEN if kept else Refusal("not all of these tables are free at that time", "table_ids")
        wanted.append(AllOf(tuple(number for table_id, number in numbers.items() if table_id in chosen), refusal))
    elif chosen is None and place.tables:
        wanted.append(TablesFor(place.tables, claimant.party_size, own & frozenset(numbers.values())))
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
        options = _options(demand, place.taken, attempt**2)
        if not options:
            raise SlotUnavailableError(demand.refusal.message, param=demand.refusal.param)
        numbers += options[crc32(claimant.id.encode()) % len(options)]
    return Claim(tuple(numbers), span)


def _options(demand: Demand, taken: Collection[int], most: int) -> list[tuple[int, ...]]:
    """Answer so many of the free choices that would do, the first ones."""
    match demand:
        case AllOf(resource_nos):
            return [] if any(number in taken for number in resource_nos) else [resource_nos]
        case AnyOf(resource_nos, unplaced):
            free: list[tuple[int, ...]] = [(number,) for number in resource_nos if number not in taken]
            return free[:most] if len(free) > unplaced else []
        case TablesFor(tables):
            return demand.among([table.resource_no for table in tables if table.resource_no not in taken], most)
        case _:
            assert_never(demand)


def tables_among(place: Place, claimed: Collection[int]) -> tuple[str, ...]:
    """Answer the ids of the tables among the claimed resources, in the order of the place."""
    return tuple(table.table_id for table in place.tables if table.resource_no in claimed)
