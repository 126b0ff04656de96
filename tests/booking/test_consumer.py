"""I3 and I11 for what is found in Cal.com: each snapshot once, whatever is killed, and no record stops the others."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from booking.consumer import Observed, consumer
from booking.service.projecting import Projection
from chassis.consumer import After, ConsumerLoop
from chassis.ids import Ids, new_id, next_id
from chassis.lifecycle import Loop, background
from slotwire_contracts import (
    CALCOM_BOOKINGS,
    CALCOM_RESULTS,
    CalcomBookingApplied,
    CalcomBookingObserved,
    CalcomOutcome,
    Topic,
    dead_letter_topic,
    decode,
    encode,
    record_key,
)
from support.booking_desk import Desk
from support.booking_service import Caller, Service
from support.calcom_bookings import Watcher, a_snapshot, an_observation
from support.reservations import an_event
from support.servers import Servers
from support.topics import fresh_topic, read_topic, write_topic
from support.waiting import eventually


@pytest.fixture
def calcom(desk: Desk) -> Watcher:
    return Watcher(desk)


@pytest.fixture
async def topic(servers: Servers) -> Topic:
    return await fresh_topic(servers.kafka_bootstrap, partitions=1)


def a_loop(calcom: Watcher, servers: Servers, topic: Topic, wake: After = lambda: None) -> ConsumerLoop[Observed]:
    group = f"group-{topic.name}"
    projection = Projection(calcom.desk.clock, Ids(new_id, next_id))
    return consumer(servers.kafka_bootstrap, calcom.desk.db, projection, wake, topic=topic, group=group)


@asynccontextmanager
async def consuming(loop: ConsumerLoop[Observed]) -> AsyncIterator[None]:
    async with background(Loop("calcom", loop.run), drain_seconds=20):
        yield


async def write(servers: Servers, topic: Topic, events: Sequence[CalcomBookingObserved]) -> None:
    await write_topic(servers.kafka_bootstrap, topic.name, [(record_key(event), encode(event)) for event in events])


async def answered(calcom: Watcher, chain_id: str, count: int) -> list[CalcomOutcome]:
    """What became of a chain's snapshots, once there are so many answers."""

    async def are_there() -> bool:
        return len(await calcom.answers(chain_id)) >= count

    await eventually(are_there, within=20)
    return [answer.data.resource.outcome for answer in await calcom.answers(chain_id)]


async def test_a_record_that_comes_twice_and_two_of_a_chain_in_one_batch(
    calcom: Watcher, servers: Servers, topic: Topic
) -> None:
    schedule_id, chain = await calcom.desk.schedule(), secrets.token_hex(6)
    first, second = (
        calcom.observe(a_snapshot(chain, schedule_id, status=status)) for status in ("PENDING", "CONFIRMED")
    )
    await write(servers, topic, [first, second, first, second])
    async with consuming(a_loop(calcom, servers, topic)):
        await answered(calcom, chain, 2)
        await write(servers, topic, [first, calcom.observe(a_snapshot(chain, schedule_id, status="CANCELLED"))])
        outcomes = await answered(calcom, chain, 3)
    assert outcomes == [CalcomOutcome.CREATED, CalcomOutcome.UPDATED, CalcomOutcome.UPDATED]
    booking_id = (await calcom.answers(chain))[0].data.resource.booking_id
    told = await calcom.desk.told(str(booking_id))
    assert [event.type for event in told] == [
        "reservation.created",
        "reservation.confirmed",
        "reservation.cancelled",
    ]


async def test_a_crash_between_the_effect_and_its_offset_repeats_nothing(
    calcom: Watcher, servers: Servers, topic: Topic
) -> None:
    schedule_id = await calcom.desk.schedule(capacity=3)
    chains = [secrets.token_hex(6) for _ in range(3)]
    await write(servers, topic, [calcom.observe(a_snapshot(chain, schedule_id)) for chain in chains])
    crashes = 1

    def crash() -> None:
        nonlocal crashes
        if crashes:
            crashes -= 1
            raise RuntimeError("killed after the commit")

    async with consuming(a_loop(calcom, servers, topic, crash)):
        await write(servers, topic, [calcom.observe(a_snapshot(chains[0], schedule_id, title="Later"))])
        assert await answered(calcom, chains[0], 2) == [CalcomOutcome.CREATED, CalcomOutcome.UPDATED]
        for chain in chains[1:]:
            assert await answered(calcom, chain, 1) == [CalcomOutcome.CREATED]
    assert crashes == 0
    async with calcom.desk.db.connection() as conn:
        count = await conn.fetchval("SELECT count(*) FROM bookings WHERE org_id = $1", calcom.org_id)
    assert count == 3


async def test_what_cannot_be_read_is_set_aside_and_stops_nothing(
    calcom: Watcher, servers: Servers, topic: Topic
) -> None:
    schedule_id, chain = await calcom.desk.schedule(), secrets.token_hex(6)
    good = calcom.observe(a_snapshot(chain, schedule_id))
    newer = (
        encode(good)
        .replace(b"calcom_booking.observed/1", b"calcom_booking.observed/2")
        .replace(good.id.encode(), new_id("evt").encode())
    )
    unstorable = calcom.observe(a_snapshot("a\0chain", schedule_id))
    bad = [b"{", encode(an_event()), encode(good).replace(b'"CONFIRMED"', b'"SEATED"'), encode(unstorable)]
    records = [(b"k", value) for value in (*bad, newer)]
    await write_topic(servers.kafka_bootstrap, topic.name, records)
    async with consuming(a_loop(calcom, servers, topic)):
        await write(servers, topic, [good])
        assert await answered(calcom, chain, 1) == [CalcomOutcome.CREATED]
    dead = await read_topic(servers.kafka_bootstrap, dead_letter_topic(topic.name))
    assert sorted(record.value for record in dead) == sorted(bad)


async def test_the_running_service_takes_what_is_found_and_answers_on_the_topic(
    service: Service, staff: Caller
) -> None:
    schedule_id, chain = await staff.schedule(), secrets.token_hex(6)
    bootstrap = service.settings.kafka_bootstrap
    now = Desk.now
    seen = an_observation(staff.org_id, a_snapshot(chain, schedule_id), 1, now=now)
    await write_topic(bootstrap, CALCOM_BOOKINGS.name, [(record_key(seen), encode(seen))])

    async def answers() -> list[CalcomBookingApplied]:
        records = await read_topic(bootstrap, CALCOM_RESULTS.name)
        events = [decode(record.value) for record in records if record.key == chain.encode()]
        return [event for event in events if isinstance(event, CalcomBookingApplied)]

    async with asyncio.timeout(30):
        while not (found := await answers()):
            await asyncio.sleep(0.2)
    (answer,) = found
    assert (answer.causationid, answer.source, answer.data.resource.outcome) == (
        seen.id,
        "/slotwire/booking",
        CalcomOutcome.CREATED,
    )
    path = f"/api/v1/bookings/{answer.data.resource.booking_id}"
    shown = (await staff.get(path)).data
    assert shown["external"] == {"provider": "calcom", "uid": chain, "conflict": False}
    refused = await staff.patch(path, {"end_time": "2026-06-02T12:00:00Z"})
    assert (refused.status, refused.code, refused.body["error"]["param"]) == (409, "external_read_only", "end_time")
    assert (await staff.patch(path, {"title": "Mine"})).data["title"] == "Mine"
    assert "external" not in (await staff.book(schedule_id=await staff.schedule())).data
