"""Requests to the booking service at random, most of them about what there is and some of them wrong.

Invariant: what is drawn follows from the seed and from what there is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from support.booking_commands import (
    STAFF,
    ChangeAll,
    ChangeBooking,
    CreateBooking,
    CreateHold,
    MoveInstance,
    ReleaseHold,
    Request,
)
from support.booking_model import CORRECTIONS, EDGES, World

PLACES = ("room", "talk", "bistro", "both", "class", "class")
MINUTE = timedelta(minutes=1)
MORNING = datetime(2026, 6, 2, 9, tzinfo=UTC)
CLIENTS = ("cli_ada", "cli_bob")
STATUSES = (
    "PENDING",
    "CONFIRMED",
    "DECLINED",
    "CANCELLED",
    "LATE",
    "PARTIALLY_SEATED",
    "SEATED",
    "COMPLETED",
    "NO_SHOW",
)
_WHO = (STAFF,) * 6 + CLIENTS
# Few times, so that much is in each other's way; the last two are before opening and across closing.
_STARTS = (0, 0, 30, 30, 60, 60, 90, 120, 120, -60, 450)
_LENGTHS = (60, 60, 60, 30, 30, 90, 0)


@dataclass(frozen=True)
class Chance:
    """Draws requests about what there is.

    Attributes:
        random: seeded, so that a run can be had again.
        tables: the resources of the tables.
    """

    random: Random
    tables: Sequence[int]

    def request(self, key: str, world: World) -> Request:
        """Ask for something, most often about what there is; `key` is for a booking or hold that is made."""
        bookings, holds = sorted(world.bookings), sorted(world.holds)
        kinds = ["create", "create", "hold", "instance"]
        kinds += ["change"] * 6 + ["all"] if bookings else []
        kinds += ["use", "use", "release"] if holds else []
        match self.random.choice(kinds):
            case "create":
                return self._create(key, None)
            case "use":
                return self._create(key, self.random.choice(holds))
            case "hold":
                return self._hold(key)
            case "release":
                return ReleaseHold(self.random.choice(holds), self._who())
            case "instance":
                return MoveInstance(MORNING + self.random.choice((0, 30, 60)) * MINUTE)
            case kind:
                return self._change_all(bookings) if kind == "all" else self._change(bookings, world)

    def _create(self, key: str, hold: str | None) -> CreateBooking:
        start = self._start()
        return CreateBooking(
            key=key,
            who=self._who(),
            where=self.random.choice(PLACES),
            start=start,
            end=start + self._length(),
            party=self._party(),
            email=f"{self.random.choice('abcd')}@example.com",
            tables=self._some_tables() if self._rarely() and hold is None else None,
            override=self._rarely(),
            seated=self._rarely(),
            hold=hold,
            longer=self._rarely() * 30 * MINUTE,
        )

    def _hold(self, key: str) -> CreateHold:
        start = self._start()
        return CreateHold(
            key=key,
            who=self._who(),
            where=self.random.choice(PLACES),
            start=start,
            end=start + self._length(),
            party=self._party(),
            minutes=self.random.choice((5, 20, 60, 61)),
        )

    def _change(self, bookings: Sequence[str], world: World) -> ChangeBooking:
        """Ask to change a booking: often only the status, and to one that it may have next."""
        booking, who = self.random.choice(bookings), self._who()
        before = world.bookings[booking]
        if who != STAFF and self._often():
            return ChangeBooking(booking, who, status="CANCELLED")
        edges = EDGES.get(before.status, set()) | CORRECTIONS.get(before.status, set())
        if edges and self._often():
            return ChangeBooking(booking, who, status=self.random.choice(sorted(edges)), correction=self._often())
        start = self._start() if self._often() else None
        return ChangeBooking(
            booking,
            who,
            start=start,
            end=start and start + self._length(),
            party=self._party() if self._often() else None,
            tables=self._some_tables() if self._rarely() else None,
            status=self.random.choice(STATUSES) if self._often() else None,
            correction=self._rarely(),
            override=self._rarely(),
            version=self.random.choice((*[None] * 4, before.version, before.version - 1)),
        )

    def _change_all(self, bookings: Sequence[str]) -> ChangeAll:
        who, status, correction = self._who(), self.random.choice(STATUSES), self._rarely()
        several = self.random.sample(bookings, min(3, len(bookings)))
        return ChangeAll(tuple(ChangeBooking(name, who, status=status, correction=correction) for name in several))

    def _who(self) -> str:
        return self.random.choice(_WHO)

    def _start(self) -> datetime:
        return MORNING + self.random.choice(_STARTS) * MINUTE

    def _length(self) -> timedelta:
        return self.random.choice(_LENGTHS) * MINUTE

    def _party(self) -> int:
        return self.random.randint(1, 4)

    def _some_tables(self) -> frozenset[int]:
        return frozenset(self.random.sample(self.tables, self.random.randint(0, 2)))

    def _often(self) -> bool:
        return self.random.random() < 0.5

    def _rarely(self) -> bool:
        return self.random.random() < 0.2
