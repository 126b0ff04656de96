"""Use cases on bookings: the clock and the ids that they are given, what they commit, and whom they wake."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from booking.domain.actors import Actor
from booking.domain.booking import Booking
from booking.domain.change import Change
from booking.domain.errors import ForbiddenError, NotFoundError, SlotUnavailableError, VersionConflictError
from booking.domain.listing import FeedPage
from booking.domain.status import Status
from booking.service.bookings import Bookings
from chassis.ids import Ids, new_id, next_id
from chassis.origin import Origin
from chassis.postgres import Database
from chassis.unit import UnitOfWork
from support.booking_service import Caller
from support.booking_values import a_request

TEN = datetime(2026, 6, 2, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ORIGIN = Origin("req_1")


@dataclass
class Desk:
    """The use cases at an instant that tests set, for the staff of one organization with one schedule."""

    db: Database
    actor: Actor
    schedule_id: str
    now: datetime = TEN - timedelta(days=1)
    made: list[str] = field(default_factory=list)
    woken: int = 0

    def __post_init__(self) -> None:
        units = UnitOfWork(self.db, self.wake)
        self.bookings = Bookings(units, self.db, lambda: self.now, Ids(self.new, next_id))

    def new(self, prefix: str) -> str:
        self.made.append(new_id(prefix))
        return self.made[-1]

    def wake(self) -> None:
        self.woken += 1

    async def book(self, start: datetime = TEN, minutes: int = 60) -> Booking:
        """Book and confirm."""
        asked = a_request(schedule_id=self.schedule_id, start_time=start, end_time=start + minutes * MINUTE)
        made = await self.bookings.create(self.actor, asked, ORIGIN, None)
        return await self.change(made, Change(status=Status.CONFIRMED))

    async def change(self, booking: Booking, change: Change) -> Booking:
        return await self.bookings.change(self.actor, booking.id, change, ORIGIN)

    async def occupied(self, booking: Booking) -> list[tuple[datetime, datetime]]:
        """The times that a booking takes."""
        async with self.db.connection() as conn:
            rows = await conn.fetch(
                "SELECT lower(during) & ((1::bigint << 34) - 1) AS starts,"
                " upper(during) & ((1::bigint << 34) - 1) AS ends FROM occupancy WHERE booking_id = $1",
                booking.id,
            )
        return [(datetime.fromtimestamp(row["starts"], UTC), datetime.fromtimestamp(row["ends"], UTC)) for row in rows]


@pytest.fixture
async def desk(db: Database, staff: Caller) -> Desk:
    return Desk(db, Actor(staff.org_id, "staff"), await staff.schedule(timezone="UTC"))


async def test_a_booking_has_the_id_and_the_time_it_was_given_and_wakes_the_relay(desk: Desk) -> None:
    asked = a_request(schedule_id=desk.schedule_id, start_time=TEN, end_time=TEN + 60 * MINUTE)
    made = await desk.bookings.create(desk.actor, asked, ORIGIN, None)
    assert ([made.id], made.created_at, desk.woken) == (desk.made, desk.now, 1)
    assert made.last_event_id is not None
    assert made.last_event_id.startswith("evt_")
    assert await desk.bookings.get(desk.actor, made.id) == made
    assert await desk.occupied(made) == [(TEN, TEN + 60 * MINUTE)]


async def test_what_is_refused_or_changes_nothing_leaves_no_trace_and_wakes_nobody(desk: Desk) -> None:
    made = await desk.book()
    desk.woken = 0
    assert await desk.change(made, Change(details={"title": None})) == made
    asked = a_request(schedule_id=desk.schedule_id, start_time=TEN, end_time=TEN + MINUTE)
    with pytest.raises(SlotUnavailableError):
        await desk.bookings.create(desk.actor, asked, ORIGIN, None)
    with pytest.raises(VersionConflictError):
        await desk.change(made, Change(details={"title": "Tea"}, if_version=made.version - 1))
    with pytest.raises(ForbiddenError):
        await desk.bookings.change(Actor(desk.actor.org_id, "client", "cli"), made.id, Change(table_ids=()), ORIGIN)
    assert (await desk.bookings.get(desk.actor, made.id), desk.woken) == (made, 0)
    feed = await desk.bookings.feed(desk.actor, made.id, FeedPage(10))
    assert [entry.type for entry in feed.entries] == ["reservation.created", "reservation.confirmed"]


@pytest.mark.parametrize("of", ["another organization", "another client"])
async def test_what_is_anothers_is_not_found(desk: Desk, of: str) -> None:
    made = await desk.book()
    stranger = Actor("org_none", "staff") if of == "another organization" else Actor(desk.actor.org_id, "client", "c")
    with pytest.raises(NotFoundError):
        await desk.bookings.get(stranger, made.id)
    with pytest.raises(NotFoundError):
        await desk.bookings.cancel(stranger, made.id, None, ORIGIN)
    with pytest.raises(NotFoundError):
        await desk.bookings.feed(stranger, made.id, FeedPage(10))


async def test_what_is_moved_and_completed_at_once_keeps_only_what_it_has_used_up(desk: Desk) -> None:
    made = await desk.book()
    desk.now = TEN + 30 * MINUTE
    earlier = Change(details={"start_time": TEN - 5 * MINUTE}, status=Status.COMPLETED)
    completed = await desk.change(made, earlier)
    assert (completed.start_time, completed.end_time) == (TEN - 5 * MINUTE, TEN + 60 * MINUTE)
    assert await desk.occupied(completed) == [(TEN - 5 * MINUTE, TEN + 30 * MINUTE)]
    await desk.book(TEN + 30 * MINUTE, 30)


async def test_what_is_moved_and_completed_at_once_is_in_the_way_of_nobody_later(desk: Desk) -> None:
    made = await desk.book()
    await desk.book(TEN + 60 * MINUTE)
    desk.now = TEN + 30 * MINUTE
    longer = {"start_time": TEN - 5 * MINUTE, "end_time": TEN + 90 * MINUTE}
    completed = await desk.change(made, Change(details=longer, status=Status.COMPLETED))
    assert await desk.occupied(completed) == [(TEN - 5 * MINUTE, TEN + 30 * MINUTE)]


async def test_what_is_moved_and_completed_at_once_still_needs_what_it_has_used_up(desk: Desk) -> None:
    made = await desk.book()
    await desk.book(TEN - 60 * MINUTE)
    desk.now = TEN + 30 * MINUTE
    with pytest.raises(SlotUnavailableError):
        await desk.change(made, Change(details={"start_time": TEN - 5 * MINUTE}, status=Status.COMPLETED))
    assert await desk.occupied(made) == [(TEN, TEN + 60 * MINUTE)]


@pytest.mark.parametrize(
    ("status", "minutes"),
    [(Status.CANCELLED, 0), (Status.NO_SHOW, 0), (Status.COMPLETED, 30), (Status.SEATED, 60)],
)
async def test_a_status_keeps_the_time_that_it_still_needs(desk: Desk, status: Status, minutes: int) -> None:
    made = await desk.book()
    desk.now = TEN + 30 * MINUTE
    await desk.change(made, Change(status=status))
    assert await desk.occupied(made) == ([(TEN, TEN + minutes * MINUTE)] if minutes else [])
