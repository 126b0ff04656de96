"""The ingest: each event x matching subscription gets its delivery, held by the worker as far as it has room."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field

import pytest

from chassis.clock import utc_now
from chassis.postgres import Database
from slotwire_contracts import ReservationEvent, encode
from support.dispatcher import ORG, a_happening, arrival, dispatcher
from support.statements import began, statements
from webhook_dispatcher.domain.delivery import Job, Load
from webhook_dispatcher.domain.ids import delivery_id
from webhook_dispatcher.domain.lease import Grant
from webhook_dispatcher.domain.subscription import State
from webhook_dispatcher.service.composition import compose
from webhook_dispatcher.service.ingest import Ingest

URL = "https://example.com/"


LEAVE = Grant("wrk_1", 0.0)
BEGINNING = """
INSERT INTO consumed (topic, partition, next) VALUES ('booking.events', 0, 0)
ON CONFLICT (topic, partition) DO UPDATE SET next = 0
"""


@dataclass
class Room:
    """A worker of the test's own: it has so much room for each and for all, and keeps what it is told."""

    size: int
    overall: int = 1_000
    bodies: int = 1_000_000
    given: Grant | None = LEAVE
    offered: list[tuple[Grant, list[str]]] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)

    def grant(self) -> Grant | None:
        return self.given

    def has_room(self, _: str, mine: Load, taken: Load) -> bool:
        return mine.jobs < self.size and taken.jobs < self.overall and taken.size < self.bodies

    def offer(self, grant: Grant, jobs: Sequence[Job]) -> None:
        self.offered.append((grant, [job.id for job in jobs]))

    def spilled(self, subscription_ids: Collection[str]) -> None:
        self.waiting.update(subscription_ids)


Take = Callable[..., Awaitable[dict[str, tuple[str, str | None]]]]


@pytest.fixture(params=["at once", "by steps"])
def take(db: Database, request: pytest.FixtureRequest) -> Take:
    """Take events in; answers each delivery's state and holder, before anything is handed over.

    At once: where the directory is read already and records begin where others ended, one statement is enough.
    """

    async def taking(room: Room, *events: ReservationEvent) -> dict[str, tuple[str, str | None]]:
        directory = dispatcher(db).directory
        async with db.connection() as conn:
            if request.param == "at once":
                await directory.refresh(conn)
                await conn.execute(BEGINNING)
            arrivals = [arrival(event, offset) for offset, event in enumerate(events)]
            async with statements(conn) as sent:
                after = await Ingest(directory, room, utc_now).take(conn, arrivals)
            assert began(sent) == (request.param == "by steps")
            assert (room.offered, room.waiting) == ([], set())
            if after is not None:
                after()
            rows = await conn.fetch("SELECT id, state, leased_by FROM deliveries")
        return {row["id"]: (row["state"], row["leased_by"]) for row in rows}

    return taking


async def test_what_the_worker_has_room_for_is_its_own_and_the_rest_waits(db: Database, take: Take) -> None:
    one = dispatcher(db)
    subscriptions = [await one.subscribe(URL) for _ in range(2)]
    events = [a_happening() for _ in range(3)]
    room = Room(2)
    rows = await take(room, *events, a_happening(orgid="org_else"))
    ids = {
        subscription.id: [delivery_id(event.id, subscription.id) for event in events] for subscription in subscriptions
    }
    held = [one for mine in ids.values() for one in mine[:2]]
    assert rows == {
        **dict.fromkeys(held, ("pending", "wrk_1")),
        **{mine[2]: ("pending", None) for mine in ids.values()},
    }
    ((grant, offered),) = room.offered
    assert (grant, sorted(offered)) == (room.given, sorted(held))
    assert room.waiting == set(ids)


async def test_what_the_batch_has_taken_for_some_is_no_room_for_others(db: Database, take: Take) -> None:
    one = dispatcher(db)
    for _ in range(5):
        await one.subscribe(URL)
    room = Room(3, overall=4)
    rows = await take(room, *[a_happening() for _ in range(3)])
    held = [one for one, (_, lease) in rows.items() if lease is not None]
    ((_, offered),) = room.offered
    assert len(rows) == 15
    assert sorted(offered) == sorted(held)
    assert len(held) == 4


async def test_what_the_batch_takes_is_bounded_by_its_bytes_too(db: Database, take: Take) -> None:
    one = dispatcher(db)
    for _ in range(3):
        await one.subscribe(URL)
    event = a_happening()
    tail = len(compose(encode(event)).tail)
    rows = await take(Room(9, bodies=2 * tail), event)
    assert sorted(lease is None for _, lease in rows.values()) == [False, False, True]


async def test_without_leave_all_waits(db: Database, take: Take) -> None:
    subscription = await dispatcher(db).subscribe(URL)
    room = Room(9, given=None)
    rows = await take(room, a_happening())
    assert list(rows.values()) == [("pending", None)]
    assert (room.offered, room.waiting) == ([], {subscription.id})


async def test_a_disabled_subscription_has_its_deliveries_discarded(db: Database, take: Take) -> None:
    await dispatcher(db).subscribe(URL, state=State.DISABLED)
    room = Room(9)
    assert list((await take(room, a_happening())).values()) == [("discarded", None)]
    assert [jobs for _, jobs in room.offered] == [[]]


@pytest.mark.parametrize("lost", ["nothing", "events"])
async def test_what_was_there_before_is_not_handed_over_again(db: Database, take: Take, lost: str) -> None:
    await dispatcher(db).subscribe(URL)
    event = a_happening(orgid=ORG)
    before = await take(Room(9), event)
    async with db.connection() as conn:
        await conn.execute("DELETE FROM events WHERE $1 = 'events'", lost)
    again = Room(9, given=Grant("wrk_2", 0.0))
    assert await take(again, event) == before
    assert not any(jobs for _, jobs in again.offered)


async def test_an_event_is_written_with_all_that_the_ledger_needs(db: Database, take: Take) -> None:
    for _ in range(3):
        await dispatcher(db).subscribe(URL, events=["reservation.confirmed"])
    matched, unmatched = a_happening(sequence=7), a_happening("reservation.cancelled", sequence=8)
    await take(Room(9), matched, unmatched, matched)
    await take(Room(9), matched)
    async with db.connection() as conn:
        rows = await conn.fetch("SELECT * FROM events ORDER BY event_id")
        counted = await conn.fetchrow("SELECT * FROM tallies")
    columns = ("event_id", "org_id", "type", "resource_id", "sequence", "record", "matched")
    assert [tuple(row[column] for column in columns) for row in rows] == [
        (one.id, ORG, one.type, one.subject, one.sequence, encode(one), times)
        for one, times in ((matched, 3), (unmatched, 0))
    ]
    assert counted is not None
    assert tuple(counted) == (utc_now().date(), "booking.events", 0, 2, 3)


async def test_of_events_with_one_id_the_first_counts(db: Database, take: Take) -> None:
    """No producer of ours writes such: whatever it is, who wants it and what they are sent fit together."""
    one = dispatcher(db)
    wanted = [await one.subscribe(URL, events=[kind]) for kind in ("reservation.confirmed", "reservation.cancelled")]
    event = a_happening("reservation.confirmed")
    rows = await take(Room(9), event, a_happening("reservation.cancelled", id=event.id))
    assert list(rows) == [delivery_id(event.id, wanted[0].id)]
    async with db.connection() as conn:
        assert tuple(await conn.fetchrow("SELECT type, matched FROM events") or ()) == (event.type, 1)


async def test_nothing_is_taken_in_inside_of_a_transaction(db: Database) -> None:
    """What is handed over next would be sent, and might be rolled back."""
    async with db.transaction() as conn:
        with pytest.raises(RuntimeError, match="committed"):
            await Ingest(dispatcher(db).directory, Room(9), utc_now).take(conn, [arrival(a_happening())])
        assert await conn.fetchval("SELECT count(*) FROM events") == 0
