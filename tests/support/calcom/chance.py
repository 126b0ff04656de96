"""A life that nobody planned: anything that can happen to bookings at Cal.com, at random.

Invariant: the same seed gives the same life.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

from support.calcom.life import Life
from support.calcom.rows import Attendee, Booking, Kind, Status

KINDS = (Kind(), Kind(id=51, slug="check-up", minutes=45), Kind(id=60, slug="class", minutes=60, seats=True))
PEOPLE = tuple(Attendee(name, f"{name.lower()}@guest.example") for name in ("Ada", "Ben", "Cleo", "Dan", "Eve"))


class Chance:
    """Makes things happen to a life.

    Args:
        life: to which.
        seed: from which all that is random follows.
        reach: how far back lie those at most to which anything still happens; None: without an end.

    Attributes:
        happened: what did, in order, for whoever reads a failure.
    """

    def __init__(self, life: Life, *, seed: int, reach: timedelta | None = None) -> None:
        self.happened: list[str] = []
        self._reach = reach
        self._life = life
        self._random = Random(seed)

    def step(self, days: float = 1.0) -> None:
        """Let up to so many days pass, and then something happen."""
        self._life.advance(seconds=int(self._random.random() * days * 86_400))
        ways = [self._book, self._book, self._book_series, *self._with_some()]
        self._random.choice(ways)()

    def move(self) -> None:
        """Let some booking that is to come be moved, if there is one."""
        current = (self._life.row(chain.uids[-1]) for chain in self._life.chains())
        rows = [
            row
            for row in current
            if row is not None and row.status == "accepted" and row.end > self._life.now and not row.kind.seats
        ]
        if rows:
            self._named(self._random.choice(rows), self._move)()

    def _with_some(self) -> list[Callable[[], None]]:
        """What may happen to a booking, chosen at random, that is there."""
        current = [self._life.row(chain.uids[-1]) for chain in self._life.chains()]
        since = None if self._reach is None else self._life.now - self._reach
        rows = [row for row in current if row is not None and (since is None or row.start >= since)]
        if not rows:
            return []
        row = self._random.choice(rows)
        ways = self._seat_ways(row) if row.kind.seats else self._ways(row)
        return [self._named(row, way) for way in ways]

    def _named(self, row: Booking, way: Callable[[Booking], None]) -> Callable[[], None]:
        def happen() -> None:
            self.happened.append(f"{self._life.now:%m-%d %H:%M} {way.__name__.strip('_')} {row.uid}")
            way(row)

        return happen

    def _ways(self, row: Booking) -> list[Callable[[Booking], None]]:
        if row.status == "pending":
            return [self._confirm, self._reject, self._cancel]
        if row.status == "accepted":
            marks = [self._mark, self._unmark, self._mark_host] * (row.start <= self._life.now)
            moves = [self._move, self._move, self._ask_to_move, self._cancel] * (row.end > self._life.now)
            return [*marks, *moves, self._edit, self._delete]
        asked_to = row.rescheduled_by is not None and row.to_uid is None and row.status == "cancelled"
        return [self._move] if asked_to else [self._delete]

    def _seat_ways(self, row: Booking) -> list[Callable[[Booking], None]]:
        ways: list[Callable[[Booking], None]] = [self._add_seat, self._add_seat]
        if row.status == "accepted":
            ways += [self._cancel, self._mark, self._unmark, self._move_all]
        if row.attendees:
            ways += [self._remove_seat, self._move_seat]
        return ways

    def _book(self) -> None:
        kind, guests = self._random.choice(KINDS), self._random.sample(PEOPLE, k=self._random.choice((1, 1, 2)))
        status: Status = "pending" if not kind.seats and self._random.random() < 0.2 else "accepted"
        description = self._random.choice(("", "A talk"))
        self._life.create(self._start(), *guests, kind=kind, status=status, description=description)

    def _book_series(self) -> None:
        first = self._start()
        kind = self._random.choice(KINDS[:2])
        self._life.create_series([first + timedelta(days=7 * n) for n in range(3)], self._somebody(), kind=kind)

    def _start(self) -> datetime:
        """Choose a time in the next three weeks; few enough of them that several bookings have the same."""
        midnight = self._life.now.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + timedelta(days=self._random.randrange(1, 21), hours=self._random.choice((9, 10, 14)))

    def _somebody(self) -> Attendee:
        return self._random.choice(PEOPLE)

    def _confirm(self, row: Booking) -> None:
        self._life.confirm(row.uid)

    def _reject(self, row: Booking) -> None:
        self._life.reject(row.uid, "Full")

    def _cancel(self, row: Booking) -> None:
        self._life.cancel(row.uid, self._random.choice(("", "Ill")))

    def _move(self, row: Booking) -> None:
        self._life.reschedule(row.uid, self._start(), reason=self._random.choice(("", "Train late")))

    def _ask_to_move(self, row: Booking) -> None:
        self._life.request_reschedule(row.uid, "Another day?")

    def _mark(self, row: Booking) -> None:
        self._life.mark_absent(row.uid, *self._random.choice(((), tuple(each.email for each in row.attendees[:1]))))

    def _unmark(self, row: Booking) -> None:
        self._life.mark_absent(row.uid, absent=False)

    def _mark_host(self, row: Booking) -> None:
        self._life.mark_host_absent(row.uid, absent=self._random.random() < 0.7)

    def _edit(self, row: Booking) -> None:
        self._life.edit(row.uid, title=f"Talk {self._random.randrange(100)}", metadata={"room": "2"})

    def _delete(self, row: Booking) -> None:
        self._life.delete(row.uid)

    def _add_seat(self, row: Booking) -> None:
        self._life.add_seat(row.uid, self._somebody())

    def _remove_seat(self, row: Booking) -> None:
        self._life.remove_seat(row.uid, self._seat(row))

    def _move_seat(self, row: Booking) -> None:
        self._life.move_seat(row.uid, self._seat(row), self._start(), is_linked=self._random.random() < 0.5)

    def _move_all(self, row: Booking) -> None:
        self._life.move_all_seats(row.uid, self._start())

    def _seat(self, row: Booking) -> str:
        seats = [each.seat_uid for each in row.attendees if each.seat_uid is not None]
        return self._random.choice(seats)
