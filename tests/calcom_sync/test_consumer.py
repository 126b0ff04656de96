"""Booking's answers reach the run that told it, each once, and no record stops the others."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from calcom_sync.consumer import consumer
from calcom_sync.domain.counting import Outcome
from calcom_sync.domain.run import RunKind
from calcom_sync.service.runs import Runs
from calcom_sync.store import runs as store
from chassis.clock import utc_now
from chassis.ids import Ids, new_id, next_id
from chassis.lifecycle import Loop, background
from chassis.postgres import Database
from slotwire_contracts import CalcomBookingApplied, CalcomResult, Topic, dead_letter_topic, encode, make_event
from support.calcom_bookings import a_snapshot, an_observation
from support.servers import Servers
from support.topics import fresh_topic, read_topic, write_topic
from support.waiting import eventually

ORG = "org_a"


@pytest.fixture
async def topic(servers: Servers) -> Topic:
    return await fresh_topic(servers.kafka_bootstrap, partitions=1)


@asynccontextmanager
async def consuming(servers: Servers, database: Database, topic: Topic) -> AsyncIterator[None]:
    loop = consumer(servers.kafka_bootstrap, database, topic=topic, group=f"group-{topic.name}")
    async with background(Loop("answers", loop.run), drain_seconds=20):
        yield


def an_answer(event_id: str, chain_id: str, outcome: str) -> CalcomBookingApplied:
    """What booking says of an event."""
    result = CalcomResult.model_validate(
        {
            "chain_id": chain_id,
            "uid": chain_id,
            "observed_sequence": 1,
            "booking_id": "bk_1",
            "outcome": outcome,
            "conflict": outcome == "conflict",
            "problem": None,
        }
    )
    return make_event(
        "calcom_booking.applied",
        id=new_id("evt"),
        time=utc_now(),
        resource=result,
        change={"run_id": None},
        orgid=ORG,
        sequence=1,
        actor="calcom",
        causationid=event_id,
    )


async def test_answers_are_noted_with_the_run_that_told(servers: Servers, alone: Database, topic: Topic) -> None:
    runs = Runs(alone, utc_now, Ids(new_id, next_id), lambda: None)
    run = await runs.ask(ORG, RunKind.MANUAL)
    told = {outcome.value: new_id("evt") for outcome in (Outcome.CREATED, Outcome.CONFLICT, Outcome.STALE)}
    async with alone.transaction() as conn:
        await store.add_items(conn, run.id, told)
    answers = [encode(an_answer(event_id, name, name)) for name, event_id in told.items()]
    odd = [b"no event", encode(an_observation(ORG, a_snapshot("u1", "sch_a"), 1, now=utc_now()))]
    elsewhere = encode(an_answer("evt_of_no_run", "u9", "created"))
    records = [(b"u", value) for value in (answers[0], *odd, elsewhere, *answers)]
    await write_topic(servers.kafka_bootstrap, topic.name, records)
    async with consuming(servers, alone, topic):

        async def all_answered() -> bool:
            return not (await runs.get(ORG, run.id)).unanswered

        await eventually(all_answered, within=30)
        assert (await runs.get(ORG, run.id)).tally.details == {"created": 1, "conflict": 1, "stale": 1}
        dead: list[bytes] = []

        async def set_aside() -> bool:
            dead[:] = [one.value for one in await read_topic(servers.kafka_bootstrap, dead_letter_topic(topic.name))]
            return len(dead) == len(odd)

        await eventually(set_aside, within=10)
    assert dead == odd
