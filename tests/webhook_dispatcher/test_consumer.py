"""From the topic into the ingest: what cannot be read goes to the dead letters, and the rest goes on."""

from datetime import UTC, datetime, timedelta

from chassis.clock import utc_now
from chassis.consumer import ConsumerLoop
from chassis.ids import new_id, next_id
from chassis.kafka import LogReader, Record
from chassis.lifecycle import Loop, background
from chassis.postgres import Database
from slotwire_contracts import CATALOG, Topic, dead_letter_topic, encode, record_key
from support.catalog_events import a_catalog_event
from support.dispatcher import ORG, Dispatcher, a_happening, a_retention, dispatcher
from support.endpoints import endpoint
from support.servers import Servers
from support.topics import fresh_topic, read_topic, write_topic
from support.waiting import eventually
from webhook_dispatcher.consumer import IngestSink, Reader, consumer
from webhook_dispatcher.domain.arrival import Arrival, Place
from webhook_dispatcher.domain.delivery import DeliveryState

POISON = [
    (b"a", b"no JSON", "JSON"),
    (b"b", encode(a_happening(id="evt_1")), "is no TypeID"),
    (b"c", encode(a_happening(id="evt_7zzzzzzzzzzzzzzzzzzzzzzzzz")), "beyond the calendar"),
    (b"d", encode(a_happening(id=new_id("bk"))), "is no event's id"),
    (b"e", encode(a_happening(id=next_id("evt", None, utc_now() + timedelta(hours=25)))), "more than a day ahead"),
]


def reading(dispatcher: Dispatcher, servers: Servers, topic: Topic) -> ConsumerLoop[Arrival]:
    return consumer(
        servers.kafka_bootstrap,
        dispatcher.database,
        dispatcher.ingest,
        a_retention(dispatcher.database),
        clock=utc_now,
        topics=[topic],
        group=topic.name,
    )


def test_a_record_is_read_with_all_that_the_ingest_needs() -> None:
    at = datetime(2026, 11, 1, 23, 59, 59, tzinfo=UTC)
    event = a_happening(id=next_id("evt", None, at), orgid="org_1", sequence=7)
    record = Record("booking.events", 3, 42, 0, record_key(event), encode(event))
    told = Reader(utc_now).read(record)
    assert (told.event_id, told.record) == (event.id, record)
    assert told.event == Arrival(
        event.id,
        at.date(),
        "reservation.confirmed",
        "org_1",
        event.subject,
        7,
        Place("booking.events", 3, 42),
        record.value,
    )


async def test_poison_goes_to_the_dead_letters_and_what_follows_is_delivered(
    dispatcher: Dispatcher, servers: Servers
) -> None:
    """An id that carries no time, or one that cannot be, could never be listed by its time."""
    topic = await fresh_topic(servers.kafka_bootstrap, partitions=1)
    loop = reading(dispatcher, servers, topic)
    event = a_happening()
    records = [(key, value) for key, value, _ in POISON]
    async with endpoint() as receiver, background(Loop("consumer", loop.run), drain_seconds=5.0):
        subscription = await dispatcher.subscribe(receiver.url)
        await write_topic(servers.kafka_bootstrap, topic.name, [*records, (record_key(event), encode(event))])

        async def came() -> bool:
            return bool(receiver.requests)

        await eventually(came, within=20)
        assert (await dispatcher.settled(event, subscription)).state is DeliveryState.DELIVERED

        async def are_buried() -> bool:
            return len(await read_topic(servers.kafka_bootstrap, dead_letter_topic(topic.name))) == len(POISON)

        await eventually(are_buried, within=10)
    dead = {one.key: one for one in await read_topic(servers.kafka_bootstrap, dead_letter_topic(topic.name))}
    for key, value, reason in POISON:
        assert dead[key].value == value
        assert reason in dict(dead[key].headers)["slotwire-dead-letter-reason"].decode()


async def test_what_is_on_the_topic_only_is_passed_over_whatever_it_is_about(
    dispatcher: Dispatcher, servers: Servers
) -> None:
    """«topic only (bookkeeping: never in feed or webhooks)»"""
    topic = await fresh_topic(servers.kafka_bootstrap, partitions=1)
    loop = reading(dispatcher, servers, topic)
    kinds = [kind for kind, entry in CATALOG.items() if not entry.public]
    bookkeeping = [a_catalog_event(kind, id=new_id("evt"), orgid=ORG) for kind in kinds]
    last = a_happening()
    async with endpoint() as receiver, background(Loop("consumer", loop.run), drain_seconds=5.0):
        subscription = await dispatcher.subscribe(receiver.url, events=["*"])
        records = [(record_key(event), encode(event)) for event in (*bookkeeping, last)]
        await write_topic(servers.kafka_bootstrap, topic.name, records)

        async def came() -> bool:
            return bool(receiver.requests)

        await eventually(came, within=20)
        assert (await dispatcher.settled(last, subscription)).state is DeliveryState.DELIVERED
    assert len(receiver.requests) == 1
    assert await read_topic(servers.kafka_bootstrap, dead_letter_topic(topic.name)) == []
    async with dispatcher.database.connection() as conn:
        assert await conn.fetchval("SELECT array_agg(event_id) FROM deliveries") == [last.id]
        taken = await conn.fetchval("SELECT count(*) FROM events")
    assert taken == len(bookkeeping) + 1


async def test_what_one_transaction_takes_is_bounded_by_its_deliveries(db: Database) -> None:
    one = dispatcher(db)
    for _ in range(3):
        await one.subscribe("https://example.com/")
    for kind in ("reservation.created", "reservation.cancelled"):
        await one.subscribe("https://example.com/", events=[kind])
    async with db.connection() as conn:
        await one.directory.refresh(conn)
    sink = IngestSink(one.ingest, a_retention(db), births=7)
    kinds = ["reservation.confirmed"] * 3 + ["reservation.created"] * 2 + ["reservation.cancelled"]
    records = [
        Record("booking.events", 0, place, 0, b"", encode(a_happening(kind))) for place, kind in enumerate(kinds)
    ]
    incoming = [Reader(utc_now).read(record) for record in records]
    parts = [list(part) for part in sink.parts(incoming)]
    assert [len(part) for part in parts] == [2, 2, 1, 1]
    assert [each for part in parts for each in part] == incoming
    assert [len(part) for part in IngestSink(one.ingest, a_retention(db), births=1).parts(incoming)] == [1] * 6
    assert list(sink.parts([])) == []


async def test_before_the_subscriptions_are_known_events_are_taken_in_by_themselves(db: Database) -> None:
    one = dispatcher(db)
    for _ in range(3):
        await one.subscribe("https://example.com/")
    sink = IngestSink(one.ingest, a_retention(db), births=7)
    records = [Record("booking.events", 0, place, 0, b"", encode(a_happening())) for place in range(7)]
    lengths = []
    async with db.connection() as conn:
        for part in sink.parts([Reader(utc_now).read(record) for record in records]):
            lengths.append(len(part))
            await sink.take(conn, part)
    assert lengths == [1, 1, 2, 2, 1]


async def test_a_database_that_was_restored_is_given_again_what_it_lacks(
    dispatcher: Dispatcher, servers: Servers
) -> None:
    """The group has committed what the database, as it was some time before, knows nothing of."""
    topic = await fresh_topic(servers.kafka_bootstrap, partitions=1)
    loop = reading(dispatcher, servers, topic)
    events = [a_happening() for _ in range(4)]
    await write_topic(servers.kafka_bootstrap, topic.name, [(record_key(event), encode(event)) for event in events])
    await take_in(loop, servers, topic, 4)
    async with dispatcher.database.connection() as conn, conn.transaction():
        await conn.execute("DELETE FROM events WHERE event_id = ANY ($1)", [event.id for event in events[2:]])
        await conn.execute("UPDATE consumed SET next = 2 WHERE topic = $1", topic.name)
    await take_in(loop, servers, topic, 4)
    async with dispatcher.database.connection() as conn:
        taken = await conn.fetchval("SELECT array_agg(event_id ORDER BY position) FROM events")
        gaps = await conn.fetchval("SELECT count(*) FROM gaps")
    assert (taken, gaps) == ([event.id for event in events], 0)


async def take_in(loop: ConsumerLoop[Arrival], servers: Servers, topic: Topic, until: int) -> None:
    """Consume until the database knows of so many records of the one partition, and the group has committed them."""
    async with (
        LogReader.connected(servers.kafka_bootstrap) as log,
        background(Loop("consumer", loop.run), drain_seconds=5.0),
    ):

        async def done() -> bool:
            async with loop.database.connection() as conn:
                known = await conn.fetchval("SELECT next FROM consumed WHERE topic = $1", topic.name)
            return bool(known == until == await log.committed(topic.name, topic.name, 0))

        await eventually(done, within=20)
