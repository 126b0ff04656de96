"""The numbers of the pages that no benchmark measures, and the arithmetic."""

import pytest

from chassis.clock import utc_now
from chassis.lifecycle import Loop, background
from pages.capacity import DELIVERY_BYTES, RECORD_BYTES, cores, processes
from pages.figures import FigureError, Figures, told
from slotwire_contracts import encode, record_key
from support.dispatcher import Dispatcher, a_happening, a_retention, prepare, running
from support.endpoints import endpoint
from support.servers import Servers
from support.topics import fresh_topic, write_topic
from support.waiting import eventually
from webhook_dispatcher.consumer import consumer

EVENTS = 2_000
SIZE = """
SELECT sum(pg_total_relation_size(oid)) FROM pg_class
WHERE relkind = 'r' AND relname ~ '^(events|deliveries|attempts)_[0-9]+$' AND pg_relation_size(oid) > 0
"""


async def test_what_a_delivery_measures(database: str, servers: Servers) -> None:
    await prepare(database)
    topic = await fresh_topic(servers.kafka_bootstrap, partitions=1)
    events = [a_happening() for _ in range(EVENTS)]
    records = [(record_key(one), encode(one)) for one in events]
    await write_topic(servers.kafka_bootstrap, topic.name, records)
    async with running(database) as dispatcher, endpoint() as receiver:
        await dispatcher.subscribe(receiver.url)
        loop = consumer(
            servers.kafka_bootstrap,
            dispatcher.database,
            dispatcher.ingest,
            a_retention(dispatcher.database),
            clock=utc_now,
            topics=[topic],
            group=topic.name,
        )
        async with background(Loop("consumer", loop.run), drain_seconds=5.0):
            await eventually(lambda: all_settled(dispatcher))
        async with dispatcher.database.connection() as conn:
            measured = float(await conn.fetchval(SIZE)) / EVENTS
    assert sum(len(value) for _, value in records) / EVENTS == pytest.approx(RECORD_BYTES, rel=0.25)
    assert measured == pytest.approx(DELIVERY_BYTES, rel=0.25)


async def all_settled(dispatcher: Dispatcher) -> bool:
    async with dispatcher.database.connection() as conn:
        done = await conn.fetchval("SELECT count(*) FROM deliveries WHERE state = 'delivered'")
        return bool(done == EVENTS == await conn.fetchval("SELECT count(*) FROM attempts"))


def test_the_arithmetic() -> None:
    assert [processes(load, 100) for load in (0, 99, 100, 101, 1_000)] == [2, 2, 2, 3, 20]
    assert cores(1_000, 3.0) == pytest.approx(6.0)
    assert [told(number) for number in (0.2955, 3.1671, 88.457, 100, 30_814.81)] == [
        "0.295",
        "3.17",
        "88.5",
        "100",
        "30,815",
    ]


def test_a_figure_that_was_not_measured_is_an_error() -> None:
    with pytest.raises(FigureError, match="deliver_per_s"):
        Figures({"api_per_s": 1.0})["deliver_per_s"]
