"""What booking tells has queues marked: every way in which something falls free, and whatever happens to members."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chassis.postgres import Database
from slotwire_contracts import BOOKING_EVENTS, encode
from support.booking_service import SOON, Answer, Caller, text
from support.catalog_events import a_catalog_event, a_resource
from support.event_instances import add_instance, registered
from support.hearing import Hearing
from support.programs import running_program
from support.servers import Servers
from support.topics import fresh_topic, read_topic, write_topic
from support.waiting import eventually
from support.waiting_entries import an_org, marked, put, waits
from support.waitlist_service import Guest
from waitlist.domain.entry import Entry

TESTS = Path(__file__).parents[1]
DATE = SOON.date()
DINNER = datetime(2026, 12, 24, 18, tzinfo=UTC)


@pytest.fixture
async def hearing(alone: Database, servers: Servers) -> Hearing:
    """A group on a topic of its own."""
    topic = await fresh_topic(servers.kafka_bootstrap, partitions=3)
    return Hearing(alone, servers.kafka_bootstrap, topic, f"{topic.name}.matching")


def released(entry: Entry, *, at: datetime = DINNER, number: int = 0) -> tuple[bytes, bytes]:
    """A record that tells that a table is free for an entry."""
    hold = a_resource(
        "hold",
        id=f"hld_{number}",
        location_id=entry.location_id,
        start_time=text(at),
        end_time=text(at + timedelta(hours=2)),
    )
    event = a_catalog_event("hold.released", resource=hold, orgid=entry.org_id, time=DINNER - timedelta(days=9))
    return hold.id.encode(), encode(event)


class Place:
    """A location with a table, and what a test does with it at a real booking service."""

    def __init__(self, staff: Caller, hearing: Hearing, location_id: str, table_id: str) -> None:
        self.staff = staff
        self.hearing = hearing
        self.location_id = location_id
        self.table_id = table_id

    @classmethod
    async def opened(cls, staff: Caller, hearing: Hearing, **fields: Any) -> "Place":
        location_id = await staff.location(**{"auto_confirm": True, **fields})
        table_id = await staff.table(location_id, 6)
        await hearing.has_heard(table_id, "created")
        return cls(staff, hearing, location_id, table_id)

    async def booked(self, **fields: Any) -> str:
        booking = (await self.staff.book(location_id=self.location_id, **fields)).data
        await self.hearing.has_heard(booking["id"], "created")
        return str(booking["id"])

    async def changed(self, booking_id: str, **fields: Any) -> None:
        changed = await self.staff.patch(f"/api/v1/bookings/{booking_id}", fields)
        assert changed.status == 200, changed.body


Act = Callable[[], Awaitable[object]]


async def cancelled(place: Place) -> Act:
    booking_id = await place.booked()
    return lambda: place.staff.delete(f"/api/v1/bookings/{booking_id}")


async def declined(place: Place) -> Act:
    pending = await Place.opened(place.staff, place.hearing, auto_confirm=False)
    place.location_id = pending.location_id
    booking_id = await place.booked()
    return lambda: place.changed(booking_id, status="DECLINED")


async def no_show(place: Place) -> Act:
    booking_id = await place.booked(at=_just_now(), minutes=180)
    return lambda: place.changed(booking_id, status="NO_SHOW")


async def completed(place: Place) -> Act:
    booking_id = await place.booked(at=_just_now(), minutes=180, status="SEATED")
    return lambda: place.changed(booking_id, status="COMPLETED")


async def moved(place: Place) -> Act:
    booking_id = await place.booked()
    later = SOON + timedelta(days=9)
    return lambda: place.changed(booking_id, start_time=text(later), end_time=text(later + timedelta(hours=1)))


async def shortened(place: Place) -> Act:
    booking_id = await place.booked()
    return lambda: place.changed(booking_id, end_time=text(SOON + timedelta(minutes=30)))


async def shrunk(place: Place) -> Act:
    booking_id = await place.booked(party_size=4)
    return lambda: place.changed(booking_id, party_size=2)


async def reseated(place: Place) -> Act:
    other = await place.staff.table(place.location_id, 6)
    await place.hearing.has_heard(other, "created")
    booking_id = await place.booked(table_ids=[place.table_id])
    return lambda: place.changed(booking_id, table_ids=[other])


async def let_go(place: Place) -> Act:
    held = (await place.staff.hold(location_id=place.location_id)).data
    return lambda: place.staff.delete(f"/api/v1/holds/{held['id']}")


async def another_table(place: Place) -> Act:
    return lambda: place.staff.table(place.location_id, 2)


async def a_larger_table(place: Place) -> Act:
    return lambda: place.staff.patch(f"/api/v1/tables/{place.table_id}", {"max_party": 8})


async def other_hours(place: Place) -> Act:
    hours = {"date_overrides": {DATE.isoformat(): [{"start": "08:00", "end": "23:00"}]}}
    return lambda: place.staff.patch(f"/api/v1/locations/{place.location_id}", hours)


def _just_now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)


WAYS = [
    cancelled,
    declined,
    no_show,
    completed,
    moved,
    shortened,
    shrunk,
    reseated,
    let_go,
    another_table,
    a_larger_table,
    other_hours,
]


async def test_each_way_in_which_a_table_falls_free_marks_the_queue_within_a_second(
    staff: Guest, alone: Database, servers: Servers
) -> None:
    """Architecture, section 6: «The Faust agent on `booking.events` turns every event that can free capacity
    (cancelled, declined, no_show, completed early, moved, party shrunk, capacity raised, hold released, table added)
    into a match for that location and date or instance»
    """
    hearing = Hearing(alone, servers.kafka_bootstrap, BOOKING_EVENTS, f"test.{staff.org_id}")
    seconds = {}
    async with hearing.running():
        for way in WAYS:
            place = await Place.opened(staff.booking, hearing)
            act = await way(place)
            today = way in {no_show, completed}
            entry = waits(staff.org_id, location_id=place.location_id, day=_today() if today else DATE)
            await put(alone, entry, waits(staff.org_id, location_id="loc_elsewhere", day=DATE))
            assert await marked(alone, staff.org_id) == set()
            began = asyncio.get_running_loop().time()
            await act()
            await hearing.has_marked(staff.org_id, entry.queue, within=30)
            seconds[way.__name__] = asyncio.get_running_loop().time() - began
            assert await marked(alone, staff.org_id) == {entry.queue}
            await hearing.forget(staff.org_id)
    assert hearing.woken >= len(WAYS)
    assert sorted(seconds.values())[len(seconds) // 2] < 1, seconds


def _today() -> date:
    return _just_now().astimezone(ZoneInfo("America/New_York")).date()  # at the location


async def test_each_way_in_which_a_spot_falls_free_marks_the_queue(
    staff: Guest, alone: Database, servers: Servers
) -> None:
    hearing = Hearing(alone, servers.kafka_bootstrap, BOOKING_EVENTS, f"test.{staff.org_id}")
    caller = staff.booking
    async with hearing.running():
        uid = (await add_instance(caller, max_attendance=4))["uid"]
        booking = await registered(caller, uid, party_size=3)
        held = (await caller.hold(event_instance_id=uid, party_size=1)).data
        await hearing.has_heard(booking["id"], "created")
        await put(alone, waits(staff.org_id, instance_id=uid))
        path = f"/api/v1/bookings/{booking['id']}"
        acts: list[Callable[[], Awaitable[Answer]]] = [
            lambda: caller.delete(f"/api/v1/holds/{held['id']}"),
            lambda: caller.patch(path, {"party_size": 2}),
            lambda: caller.patch(f"/v2/event_instances/{uid}", {"max_attendance": 5}),
            lambda: caller.delete(path),
            lambda: caller.post(f"/v2/event_instances/{uid}/cancel", {}),
        ]
        for act in acts:
            assert await marked(alone, staff.org_id) == set()
            done = await act()
            assert done.status in {200, 201}, done.body
            await hearing.has_marked(staff.org_id, uid, within=30)
            await hearing.forget(staff.org_id)


async def test_what_frees_nothing_marks_nothing(staff: Guest, alone: Database, servers: Servers) -> None:
    hearing = Hearing(alone, servers.kafka_bootstrap, BOOKING_EVENTS, f"test.{staff.org_id}")
    async with hearing.running():
        place = await Place.opened(staff.booking, hearing)
        await put(alone, waits(staff.org_id, location_id=place.location_id, day=DATE))
        booking_id = await place.booked()
        await place.changed(booking_id, title="Dinner", end_time=text(SOON + timedelta(hours=2)))
        await place.changed(booking_id, status="LATE")
        await hearing.has_heard(booking_id, "late")
        assert await marked(alone, staff.org_id) == set()


async def test_what_is_no_event_goes_to_the_dead_letters_and_the_rest_is_heard(hearing: Hearing) -> None:
    entry = waits(an_org())
    await put(hearing.database, entry)
    async with hearing.running():
        await write_topic(
            hearing.bootstrap,
            hearing.topic.name,
            [(b"hld_0", b"no JSON"), released(entry)],
        )
        await hearing.has_marked(entry.org_id, entry.queue)

        async def is_buried() -> bool:
            return len(await read_topic(hearing.bootstrap, f"{hearing.topic.name}.dlq")) == 1

        await eventually(is_buried, within=10)
        (dead,) = await read_topic(hearing.bootstrap, f"{hearing.topic.name}.dlq")
    assert (dead.key, dead.value) == (b"hld_0", b"no JSON")
    assert "JSON" in dict(dead.headers)["slotwire-dead-letter-reason"].decode()


async def many(hearing: Hearing, org_id: str, count: int, first: int = 0) -> list[Entry]:
    """Have somebody wait in each of many queues, and tell that something fell free for each."""
    entries = [waits(org_id, location_id=f"loc_{number}") for number in range(first, first + count)]
    await put(hearing.database, *entries)
    await write_topic(
        hearing.bootstrap,
        hearing.topic.name,
        [released(entry, number=number) for number, entry in enumerate(entries, first)],
    )
    return entries


async def test_members_share_what_is_told_and_take_over_from_each_other(hearing: Hearing) -> None:
    org = an_org()
    other = Hearing(hearing.database, hearing.bootstrap, hearing.topic, hearing.group)
    async with hearing.running():
        async with other.running():
            first = 0

            async def both_have_heard() -> bool:
                nonlocal first
                entries = await many(hearing, org, 12, first)
                first += 12
                await hearing.has_marked(org, *[entry.queue for entry in entries])
                return bool(hearing.heard and other.heard)

            await eventually(both_have_heard, within=120)
        entries = await many(hearing, org, 12, first)
        await hearing.has_marked(org, *[entry.queue for entry in entries])


async def test_it_goes_on_when_the_broker_comes_back(hearing: Hearing, servers: Servers) -> None:
    org = an_org()
    async with hearing.running():
        before = await many(hearing, org, 3)
        await hearing.has_marked(org, *[entry.queue for entry in before])
        await asyncio.to_thread(servers.kafka.kill)
        await asyncio.to_thread(servers.kafka.start)
        after = await many(hearing, org, 6, 3)
        await hearing.has_marked(org, *[entry.queue for entry in after])


PROGRAM = """
import asyncio, sys
sys.path.insert(0, sys.argv[2])
from chassis.clock import utc_now
from chassis.lifecycle import Stop
from chassis.postgres import Database
from slotwire_contracts import Topic
from waitlist.service.due import Due
from waitlist.stream import FreeingStream

async def main():
    topic = Topic(sys.argv[4], 3, 1, "a key", "tests")
    async with Database(sys.argv[1], pool_size=3, application="tests").opened() as database:
        due = Due(database, utc_now)
        due.waking(lambda: print("marked", flush=True))
        await FreeingStream(sys.argv[3], due, topic=topic, group=f"{topic.name}.matching").run(Stop())

asyncio.run(main())
"""


async def test_of_what_was_told_nothing_is_lost_when_a_member_is_killed(
    hearing: Hearing, prepared: str, tmp_path: Path
) -> None:
    """Kill -9 among many records: those that were not done with come again, to another."""
    org = an_org()
    entries = await many(hearing, org, 300)
    arguments = prepared, str(TESTS), hearing.bootstrap, hearing.topic.name
    async with running_program(PROGRAM, *arguments, folder=tmp_path) as process:
        assert process.stdout is not None
        for _ in range(40):
            await process.stdout.readline()
        process.kill()
        await process.wait()
    assert len(await marked(hearing.database, org)) < len(entries)
    async with hearing.running():
        await hearing.has_marked(org, *[entry.queue for entry in entries])
