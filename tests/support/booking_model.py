"""A simple model of what the booking service promises: what each command may be answered, and what it leaves behind.

It is written from the design (architecture.md section 5, api.md section 2), not from the code, and keeps plain values
only. Invariant: a world is never changed; a command makes another one of it. Where the service may choose (a lane, a
table, which of several flaws it names first) the model offers every choice.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import combinations, product
from typing import assert_never

from support.booking_commands import (
    STAFF,
    CancelInstance,
    ChangeBooking,
    Command,
    CreateBooking,
    CreateHold,
    MoveInstance,
    ReleaseHold,
)

ACTIVE = {"PENDING", "CONFIRMED", "LATE", "PARTIALLY_SEATED", "SEATED"}
OVER = {"COMPLETED", "CANCELLED", "DECLINED"}
EDGES = {
    "PENDING": {"CONFIRMED", "DECLINED", "CANCELLED"},
    "CONFIRMED": {"LATE", "PARTIALLY_SEATED", "SEATED", "COMPLETED", "CANCELLED", "NO_SHOW"},
    "LATE": {"PARTIALLY_SEATED", "SEATED", "CANCELLED", "NO_SHOW"},
    "PARTIALLY_SEATED": {"SEATED", "COMPLETED"},
    "SEATED": {"COMPLETED"},
}
CORRECTIONS = {"CONFIRMED": {"PENDING"}, "NO_SHOW": {"CONFIRMED", "SEATED"}}
OK = "ok"
INSTANCE = "instance"
Taking = tuple[int, datetime, datetime]
"""A resource and from when until when it is taken."""


@dataclass(frozen=True)
class Table:
    """A table, by its resource's number, and whether it may be put together with others that may."""

    number: int
    smallest: int
    largest: int
    combinable: bool


@dataclass(frozen=True)
class Where:
    """A place that can be asked for: lanes of a schedule, tables of a location, both, or an event instance.

    Attributes:
        lanes: the resources of which a booking takes one.
        tables: the tables, of which it takes those that were chosen, or else what seats the party.
        slots_of: the place in which an attendee has one booking at a time.
        opens: the first hour that is open, in UTC, and the first that is not any more; None: always open.
        complete_after: the minutes after which a booking completes by itself.
    """

    slots_of: str
    confirmed: bool
    lanes: tuple[int, ...] = ()
    tables: tuple[Table, ...] = ()
    is_instance: bool = False
    before: timedelta = timedelta()
    after: timedelta = timedelta()
    opens: tuple[int, int] | None = None
    complete_after: timedelta | None = None

    def is_open(self, start: datetime, end: datetime) -> bool:
        """Tell whether a visit lies in the opening hours of one day."""
        if self.opens is None:
            return True
        midnight = start.replace(hour=0, minute=0)
        first, last = (midnight + timedelta(hours=hour) for hour in self.opens)
        return first <= start and end <= last

    def seats(self, numbers: frozenset[int]) -> int:
        """Count the people that some tables seat."""
        return sum(table.largest for table in self.tables if table.number in numbers)

    def seatings(self, party: int) -> list[frozenset[int]]:
        """Answer every table that seats a party, and all those together that seat it only together."""
        alone = [{table.number} for table in self.tables if table.smallest <= party <= table.largest]
        small = [table for table in self.tables if table.combinable and table.largest < party]
        several = [
            {table.number for table in some}
            for count in range(2, len(small) + 1)
            for some in combinations(small, count)
            if party <= sum(table.largest for table in some)
        ]
        return [frozenset(numbers) for numbers in (*alone, *several)]

    def flawed(self, numbers: frozenset[int], party: int) -> bool:
        """Tell whether tables cannot be chosen for a party."""
        chosen = [table for table in self.tables if table.number in numbers]
        if len(chosen) < len(numbers) or any(party < table.smallest for table in chosen):
            return True
        return bool(chosen) and party > self.seats(numbers)


@dataclass(frozen=True, kw_only=True)
class Booked:
    """A booking."""

    where: Where
    client: str | None
    email: str
    single: bool
    status: str
    start: datetime
    end: datetime
    party: int
    tables: frozenset[int]
    takes: frozenset[Taking]
    confirmed_at: datetime | None
    by_staff: bool = False
    version: int = 1
    told: tuple[str, ...] = ("created",)

    @property
    def spots(self) -> int:
        """How many spots of the event instance it takes."""
        return self.party if self.where.is_instance and self.status in ACTIVE | {"COMPLETED"} else 0

    @property
    def slot(self) -> tuple[str, datetime, str] | None:
        """What no other booking of the same attendee may have."""
        return (self.where.slots_of, self.start, self.email) if self.single and self.status in ACTIVE else None

    def wanted(self, now: datetime) -> tuple[datetime, datetime] | None:
        """Answer the time that its status takes, buffers included."""
        start, end = self.start - self.where.before, self.end + self.where.after
        if self.status == "COMPLETED":
            end = min(end, now.replace(microsecond=0))
        return (start, end) if self.status in ACTIVE | {"COMPLETED"} and start < end else None

    def is_due(self, now: datetime) -> bool:
        """Tell whether it completes by itself by now."""
        after = self.where.complete_after
        if after is None or self.confirmed_at is None or self.status not in {"CONFIRMED", "PARTIALLY_SEATED", "SEATED"}:
            return False
        return self.confirmed_at < self.end and self.end + after <= now


@dataclass(frozen=True, kw_only=True)
class Held:
    """A hold whose row is there, live or not."""

    where: Where
    client: str | None
    start: datetime
    end: datetime
    party: int
    tables: frozenset[int]
    takes: frozenset[Taking]
    expires: datetime

    @property
    def spots(self) -> int:
        """How many spots of the event instance it takes until it expires."""
        return self.party if self.where.is_instance else 0


@dataclass(frozen=True, kw_only=True)
class Instance:
    """The event instance."""

    start: datetime
    end: datetime
    capacity: int
    is_scheduled: bool = True
    told: tuple[str, ...] = ()

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.end - self.start


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What shows of a world at an instant, in the database as in the model.

    Attributes:
        bookings: status, start, end, party, tables, version and client of each booking.
        takes: what each booking and live hold takes.
        spots: how many spots of the instance each booking and live hold has.
        told: what happened to each booking, to each hold that was given back, and to the instance.
        holds: the live holds, with their start.
        instance: whether it takes place, and when.
    """

    bookings: Mapping[str, tuple[object, ...]]
    takes: Mapping[str, frozenset[Taking]]
    spots: Mapping[str, int]
    told: Mapping[str, tuple[str, ...]]
    holds: Mapping[str, datetime]
    instance: tuple[bool, datetime, datetime]


Answers = Iterator[tuple[str, "World"]]


@dataclass(frozen=True, kw_only=True)
class World:
    """Everything that there is.

    Attributes:
        places: the places that commands name.
        released: the holds that were told of as released, expired or ended with their instance.
    """

    places: Mapping[str, Where]
    instance: Instance
    bookings: Mapping[str, Booked] = field(default_factory=dict)
    holds: Mapping[str, Held] = field(default_factory=dict)
    released: frozenset[str] = frozenset()

    def after(self, command: Command, now: datetime) -> Answers:
        """Offer every answer that a command may be given, each with the world that it leaves."""
        match command:
            case CreateBooking():
                return self._create(command, now)
            case ChangeBooking():
                return self._change(command, now)
            case CreateHold():
                return self._hold(command, now)
            case ReleaseHold():
                return self._release(command)
            case MoveInstance(start):
                return iter([(OK, self._move_instance(start))])
            case CancelInstance():
                return iter([(OK, self._cancel_instance(now))])
            case unknown:
                assert_never(unknown)

    def seen(self, now: datetime) -> Seen:
        """Answer what shows of it."""
        live = {key: hold for key, hold in self.holds.items() if hold.expires > now}
        both: Mapping[str, Booked | Held] = {**self.bookings, **live}
        return Seen(
            bookings={
                key: (one.status, one.start, one.end, one.party, one.tables, one.version, one.client)
                for key, one in self.bookings.items()
            },
            takes={key: one.takes for key, one in both.items() if one.takes},
            spots={key: one.spots for key, one in both.items() if one.spots},
            told={
                **{key: booking.told for key, booking in self.bookings.items()},
                **dict.fromkeys(self.released, ("released",)),
                **({INSTANCE: self.instance.told} if self.instance.told else {}),
            },
            holds={key: hold.start for key, hold in live.items()},
            instance=(self.instance.is_scheduled, self.instance.start, self.instance.end),
        )

    def swept(self, now: datetime) -> "World":
        """Tell of the holds that have expired, and forget them."""
        live = {key: hold for key, hold in self.holds.items() if hold.expires > now}
        return replace(self, holds=live, released=self.released | (self.holds.keys() - live.keys()))

    def completed(self, now: datetime) -> "World":
        """Complete what is due."""
        world = self
        for key, booking in self.bookings.items():
            if booking.is_due(now):
                ((_, world),) = world.after(ChangeBooking(key, STAFF, status="COMPLETED"), now)
        return world

    def _create(self, asked: CreateBooking, now: datetime) -> Answers:
        wrong, client = set[str](), None if asked.who == STAFF else asked.who
        if client and (asked.tables is not None or asked.override or asked.seated):
            wrong.add("forbidden")
        where, start, end = self._visit(asked)
        party, tables = asked.party, asked.tables
        if asked.hold is not None:
            hold = self.holds.get(asked.hold)
            if hold is None or hold.expires <= now or client not in {None, hold.client}:
                yield from ((code, self) for code in wrong | {"hold_expired"})
                return
            where, start, end, party = hold.where, hold.start, hold.end, hold.party
            end += timedelta() if where.is_instance else asked.longer
            tables = None if end != hold.end else hold.tables or None
        as_held = asked.hold is not None and (where.is_instance or not asked.longer)
        granted, late = asked.override or as_held, None if as_held else client
        wrong |= self._flaws(where, start, end, late, now, party=party, tables=tables, override=granted)
        status = "SEATED" if asked.seated else "CONFIRMED" if where.confirmed else "PENDING"
        made = Booked(
            where=where,
            client=client,
            email=asked.email,
            single=not asked.seated and not asked.override,
            status=status,
            start=start,
            end=end,
            party=party,
            tables=frozenset(),
            takes=frozenset(),
            confirmed_at=None if status == "PENDING" else now,
            by_staff=asked.hold is None and tables is not None,
        )
        left = {key: hold for key, hold in self.holds.items() if key != asked.hold}
        if wrong:
            yield from ((code, self) for code in wrong)
            return
        yield from replace(self, holds=left)._placed(asked.key, made, tables, now, refused=self)

    def _hold(self, asked: CreateHold, now: datetime) -> Answers:
        client = None if asked.who == STAFF else asked.who
        where, start, end = self._visit(asked)
        wrong = self._flaws(where, start, end, client, now, party=asked.party, tables=None, override=False)
        if asked.minutes > 60:
            wrong.add("validation_failed")
        if wrong:
            yield from ((code, self) for code in wrong)
            return
        choices = list(self._choices(where, asked.party, None, (start - where.before, end + where.after), now))
        if not choices or (where.is_instance and asked.party > self._free(now)):
            yield "slot_unavailable", self
            return
        for tables, takes in choices:
            held = Held(
                where=where,
                client=client,
                start=start,
                end=end,
                party=asked.party,
                tables=tables,
                takes=takes,
                expires=(now + timedelta(minutes=asked.minutes)).replace(microsecond=0),
            )
            yield OK, replace(self, holds={**self.holds, asked.key: held})

    def _release(self, asked: ReleaseHold) -> Answers:
        hold = self.holds.get(asked.hold)
        if hold is None or asked.who not in {STAFF, hold.client}:
            yield "not_found", self
            return
        left = {key: other for key, other in self.holds.items() if key != asked.hold}
        yield OK, replace(self, holds=left, released=self.released | {asked.hold})

    def _change(self, asked: ChangeBooking, now: datetime) -> Answers:
        before = self.bookings[asked.booking]
        after = replace(
            before,
            start=asked.start or before.start,
            end=asked.end or before.end,
            party=asked.party or before.party,
            status=asked.status or before.status,
            single=before.single and not asked.override,
        )
        wrong = self._wrong_with(asked, before, after, now)
        if wrong:
            yield from ((code, self) for code in wrong)
            return
        if after.status != before.status:
            since = {"PENDING": None, "CONFIRMED": now}.get(after.status, before.confirmed_at)
            after = replace(after, confirmed_at=since)
        for answer, world in self._replaced(asked, before, after, now):
            if answer == OK:
                yield OK, world._told_of(asked.booking, before)
            else:
                yield answer, self

    def _wrong_with(self, asked: ChangeBooking, before: Booked, after: Booked, now: datetime) -> set[str]:
        client, where = None if asked.who == STAFF else asked.who, before.where
        wrong = self._forbidden(asked, before)
        moved = (before.start, before.end) != (after.start, after.end)
        if asked.version is not None and asked.version != before.version:
            wrong.add("version_conflict")
        missed = before.status == "NO_SHOW" and asked.status is None
        if (missed or before.status in OVER) and (moved or asked.tables is not None):
            wrong.add("invalid_status_transition")
        if not self._may(before.status, after, now, correction=asked.correction):
            wrong.add("invalid_status_transition")
        if where.is_instance and (moved or asked.tables):
            wrong.add("validation_failed")
        if after.end <= after.start or (client and after.start != before.start and after.start < now):
            wrong.add("validation_failed")
        if asked.tables and where.flawed(asked.tables, after.party):
            wrong.add("validation_failed")
        if moved and not asked.override and not where.is_open(after.start, after.end):
            wrong.add("outside_availability")
        return wrong

    @staticmethod
    def _forbidden(asked: ChangeBooking, before: Booked) -> set[str]:
        if asked.who == STAFF:
            return set()
        staffs = asked.tables is not None or asked.correction or asked.override
        wrong = {"forbidden"} if staffs or asked.status not in {None, "CANCELLED"} else set()
        return wrong if asked.who == before.client else wrong | {"not_found"}

    @staticmethod
    def _may(status: str, after: Booked, now: datetime, *, correction: bool) -> bool:
        edges = EDGES.get(status, set()) | (CORRECTIONS.get(status, set()) if correction else set())
        too_soon = after.status == "NO_SHOW" and now < after.start
        return after.status == status or (after.status in edges and not too_soon)

    def _replaced(self, asked: ChangeBooking, before: Booked, after: Booked, now: datetime) -> Answers:
        """Offer what a changed booking may take, where all else about it is allowed."""
        key, where = asked.booking, before.where
        outgrown = before.status not in OVER and bool(before.tables) and after.party > where.seats(before.tables)
        chosen = None if where.is_instance else asked.tables
        reassigned = chosen != before.tables if chosen is not None else outgrown
        after = replace(after, by_staff=chosen is not None or (before.by_staff and not outgrown))
        had, wanted = before.wanted(now), after.wanted(now)
        if wanted is None:
            gone = replace(after, takes=frozenset(), tables=before.tables if chosen is None else chosen)
            yield from self._kept(key, gone, now)
        elif not reassigned and (before.status, before.start, before.end) == (after.status, after.start, after.end):
            yield from self._kept(key, after, now)
        elif not reassigned and had and wanted[0] == had[0] and wanted[1] <= had[1]:
            shorter = frozenset((number, *wanted) for number, *_ in before.takes)
            yield from self._kept(key, replace(after, takes=shorter), now)
        else:
            as_it_is = before.tables if after.by_staff and len(before.tables) != 1 else None
            yield from self._placed(key, after, as_it_is if chosen is None else chosen, now, refused=self)

    def _kept(self, key: str, after: Booked, now: datetime) -> Answers:
        """Offer a booking that needs no place that it does not have, if it gets the spots and slot that it needs."""
        refusals = self._refusals(key, after, now)
        yield from ((code, self) for code in refusals)
        if not refusals:
            yield OK, replace(self, bookings={**self.bookings, key: after})

    def _placed(
        self, key: str, after: Booked, chosen: frozenset[int] | None, now: datetime, *, refused: "World"
    ) -> Answers:
        """Offer a booking on every free lane and table that would do."""
        wanted = after.wanted(now)
        refusals = self._refusals(key, after, now)
        choices = list(self._choices(after.where, after.party, chosen, wanted, now, besides=key)) if wanted else []
        if not choices:
            refusals.add("slot_unavailable")
        yield from ((code, refused) for code in refusals)
        if not refusals:
            for tables, takes in choices:
                placed = replace(after, tables=tables, takes=takes)
                yield OK, replace(self, bookings={**self.bookings, key: placed})

    def _refusals(self, key: str, after: Booked, now: datetime) -> set[str]:
        """Tell what others have that a booking needs: spots, or its attendee's slot."""
        refusals = set[str]()
        had = self.bookings[key].spots if key in self.bookings else 0
        room = self._free(now, besides=key) if self.instance.is_scheduled else 0
        if after.spots > max(had, room):
            refusals.add("slot_unavailable")
        if after.slot and after.slot in {other.slot for name, other in self.bookings.items() if name != key}:
            refusals.add("already_booked")
        return refusals

    def _told_of(self, key: str, before: Booked) -> "World":
        """Add what is told of a change, if there is anything."""
        after = self.bookings[key]
        detailed = (before.start, before.end, before.party) != (after.start, after.end, after.party)
        told = ["updated"] if detailed or before.tables != after.tables else []
        told += ["unassigned"] if before.tables - after.tables else []
        told += ["assigned"] if after.tables - before.tables else []
        told += [after.status.lower()] if after.status != before.status else []
        after = replace(after, told=(*before.told, *told), version=before.version + 1) if told else before
        return replace(self, bookings={**self.bookings, key: after})

    def _move_instance(self, start: datetime) -> "World":
        if start == self.instance.start:
            return self
        end, told = start + self.instance.length, (*self.instance.told, "updated")
        instance = replace(self.instance, start=start, end=end, told=told)
        holds = {
            key: replace(hold, start=instance.start, end=instance.end) if hold.where.is_instance else hold
            for key, hold in self.holds.items()
        }
        moved = replace(self, instance=instance, holds=holds)
        return moved._registered(ACTIVE, lambda booking: replace(booking, start=instance.start, end=instance.end))

    def _cancel_instance(self, now: datetime) -> "World":
        if not self.instance.is_scheduled:
            return self
        instance = replace(self.instance, is_scheduled=False, told=(*self.instance.told, "cancelled"))
        ended = {key for key, hold in self.holds.items() if hold.where.is_instance and hold.expires > now}
        holds = {key: hold for key, hold in self.holds.items() if key not in ended}
        cancelled = replace(self, instance=instance, holds=holds, released=self.released | ended)
        return cancelled._registered(
            {"PENDING", "CONFIRMED", "LATE"}, lambda booking: replace(booking, status="CANCELLED")
        )

    def _registered(self, statuses: set[str], change: Callable[[Booked], Booked]) -> "World":
        """Let the instance's bookings in some statuses follow it."""
        world = self
        for key, before in self.bookings.items():
            if before.where.is_instance and before.status in statuses:
                changed = replace(world, bookings={**world.bookings, key: change(before)})
                world = changed._told_of(key, before)
        return world

    def _visit(self, asked: CreateBooking | CreateHold) -> tuple[Where, datetime, datetime]:
        where = self.places[asked.where]
        if where.is_instance:
            return where, self.instance.start, self.instance.end
        return where, asked.start, asked.end

    def _flaws(
        self,
        where: Where,
        start: datetime,
        end: datetime,
        client: str | None,
        now: datetime,
        *,
        party: int,
        tables: frozenset[int] | None,
        override: bool,
    ) -> set[str]:
        """Tell what is wrong with a new visit, whoever else is there."""
        wrong = set[str]()
        if end <= start or (client and start < now) or (where.is_instance and not self.instance.is_scheduled):
            wrong.add("validation_failed")
        if tables is not None and (not where.tables or where.flawed(tables, party)):
            wrong.add("validation_failed")
        if not override and not where.is_open(start, end):
            wrong.add("outside_availability")
        return wrong

    def _free(self, now: datetime, besides: str | None = None) -> int:
        """Count the spots that are left for a booking."""
        booked = sum(booking.spots for key, booking in self.bookings.items() if key != besides)
        return self.instance.capacity - booked - sum(hold.spots for hold in self.holds.values() if hold.expires > now)

    def _choices(
        self,
        where: Where,
        party: int,
        chosen: frozenset[int] | None,
        span: tuple[datetime, datetime],
        now: datetime,
        besides: str | None = None,
    ) -> Iterator[tuple[frozenset[int], frozenset[Taking]]]:
        """Offer every way to place a visit: its tables, and all that it takes."""
        takings = [taking for key, booking in self.bookings.items() if key != besides for taking in booking.takes]
        takings += [taking for hold in self.holds.values() if hold.expires > now for taking in hold.takes]
        taken = {number for number, start, end in takings if start < span[1] and span[0] < end}
        lanes = [frozenset({lane}) for lane in where.lanes if lane not in taken] if where.lanes else [frozenset[int]()]
        fixed = [chosen or frozenset[int]()]
        tables = fixed if chosen is not None or not where.tables else where.seatings(party)
        for lane, seats in product(lanes, tables):
            if not seats & taken:
                yield seats, frozenset((number, *span) for number in lane | seats)
