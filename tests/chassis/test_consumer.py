"""I3: an effect and its inbox row commit together, before the offset. I11: a poison message never stops a partition."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from chassis import inbox
from chassis.consumer import After, ConsumerLoop, Incoming, PoisonError
from chassis.inbox import Inbox
from chassis.kafka import Record
from chassis.lifecycle import Loop, Stop, background
from chassis.postgres import Connection, Database
from slotwire_contracts import Topic, dead_letter_topic
from support.servers import Servers
from support.topics import fresh_topic, read_topic, write_at_once, write_topic
from support.waiting import eventually


def decode(record: Record) -> Incoming[str]:
    text = record.value.decode()
    if text.startswith("garbage"):
        raise PoisonError("not an event")
    if text == "surprise":
        raise OverflowError("nobody thought of that")
    return Incoming(text[:64], text, record)


class Effects:
    """A handler that inserts each event into a table, and can be told to misbehave."""

    def __init__(self) -> None:
        self.crashes = 0
        self.seen_after: list[str] = []
        self.batches: list[int] = []

    async def handle(self, connection: Connection, fresh: Sequence[Incoming[str]]) -> After | None:
        for one in fresh:
            if one.event == "refused" or len(one.event) > 100_000:
                raise ValueError("cannot be handled")
            if one.event == "unstorable":
                await connection.execute("SELECT $1::integer", 1 << 40)
            await connection.execute("INSERT INTO effect VALUES ($1)", one.event)
        return lambda: self._after([one.event for one in fresh])

    def _after(self, events: list[str]) -> None:
        self.seen_after += events
        self.batches.append(len(events))
        if self.crashes:
            self.crashes -= 1
            raise RuntimeError("a crash between the commit and the offset")


@pytest.fixture
async def effects(db: Database) -> Effects:
    async with db.connection() as connection:
        await connection.execute("CREATE TABLE effect (event text)")
    return Effects()


@pytest.fixture
async def topic(servers: Servers) -> Topic:
    return await fresh_topic(servers.kafka_bootstrap, partitions=1)


@asynccontextmanager
async def consuming(topic: Topic, effects: Effects, db: Database, servers: Servers, group: str) -> AsyncIterator[None]:
    loop = ConsumerLoop((topic,), group, servers.kafka_bootstrap, db, decode, Inbox(effects.handle))
    async with background(Loop("consumer", loop.run), drain_seconds=20):
        yield


async def effects_of(db: Database) -> list[str]:
    async with db.connection() as connection:
        return [row["event"] for row in await connection.fetch("SELECT event FROM effect ORDER BY event")]


@pytest.fixture
def group() -> str:
    return f"group-{secrets.token_hex(4)}"


async def test_a_record_that_comes_twice_has_one_effect(
    topic: Topic, effects: Effects, db: Database, servers: Servers, group: str
) -> None:
    await write_topic(servers.kafka_bootstrap, topic.name, [(b"k", b"a"), (b"k", b"b"), (b"k", b"a")])
    async with consuming(topic, effects, db, servers, group):
        await write_topic(servers.kafka_bootstrap, topic.name, [(b"k", b"b"), (b"k", b"c")])
        await eventually(lambda: has(db, 3))

    assert await effects_of(db) == ["a", "b", "c"]
    assert effects.seen_after == ["a", "b", "c"]


async def test_what_comes_first_after_a_pause_does_not_wait_for_all_that_came_with_it(
    topic: Topic, effects: Effects, db: Database, servers: Servers, group: str
) -> None:
    await write_at_once(servers.kafka_bootstrap, topic.name, [(b"k", b"%d" % n) for n in range(700)])
    async with consuming(topic, effects, db, servers, group):
        await eventually(lambda: has(db, 700))
        await asyncio.sleep(2.5)  # longer than the loop waits for more
        await write_at_once(servers.kafka_bootstrap, topic.name, [(b"k", b"%d" % n) for n in range(700, 1_000)])
        await eventually(lambda: has(db, 1_000))

    assert effects.batches == [100, 600, 100, 200]


async def test_a_crash_between_commit_and_offset_repeats_no_effect(
    topic: Topic, effects: Effects, db: Database, servers: Servers, group: str
) -> None:
    effects.crashes = 2
    await write_topic(servers.kafka_bootstrap, topic.name, [(b"k", b"%d" % n) for n in range(5)])
    async with consuming(topic, effects, db, servers, group):
        await eventually(lambda: has(db, 5))
        await write_topic(servers.kafka_bootstrap, topic.name, [(b"k", b"5")])
        await eventually(lambda: has(db, 6))

    assert await effects_of(db) == ["0", "1", "2", "3", "4", "5"]


async def test_offsets_are_committed_so_that_the_next_member_goes_on(
    topic: Topic, effects: Effects, db: Database, servers: Servers, group: str
) -> None:
    await write_topic(servers.kafka_bootstrap, topic.name, [(b"k", b"a")])
    async with consuming(topic, effects, db, servers, group):
        await eventually(lambda: has(db, 1))
    async with db.connection() as connection:
        await connection.execute("TRUNCATE inbox")  # what is read again would now have an effect again

    async with consuming(topic, effects, db, servers, group):
        await write_topic(servers.kafka_bootstrap, topic.name, [(b"k", b"b")])
        await eventually(lambda: has(db, 2))

    assert await effects_of(db) == ["a", "b"]


@pytest.mark.parametrize(
    ("poison", "reason"),
    [
        (b"garbage \xf0\x9f\x92\xa3", b"not an event"),
        (b"surprise", b"OverflowError: nobody thought of that"),
        (b"refused", b"ValueError: cannot be handled"),
        (b"unstorable", b"DataError: invalid input"),
        (b"x" * (1024 * 1024 - 200), b"ValueError: cannot be handled"),
    ],
    ids=["unreadable", "surprising", "refused", "unstorable", "as large as a record may be"],
)
async def test_poison_goes_to_the_dead_letters_with_its_reason_and_the_rest_goes_on(
    topic: Topic, effects: Effects, db: Database, servers: Servers, group: str, poison: bytes, reason: bytes
) -> None:
    await write_topic(servers.kafka_bootstrap, topic.name, [(b"k", b"a"), (b"p", poison), (b"k", b"b")])
    async with consuming(topic, effects, db, servers, group):
        await eventually(lambda: has(db, 2))
        await eventually(lambda: buried(topic, servers))

    assert await effects_of(db) == ["a", "b"]
    (dead,) = await read_topic(servers.kafka_bootstrap, dead_letter_topic(topic.name))
    assert (dead.key, dead.value) == (b"p", poison)
    headers = dict(dead.headers)
    assert headers.pop("slotwire-dead-letter-reason").startswith(reason)
    assert headers == {
        "slotwire-dead-letter-group": group.encode(),
        "slotwire-dead-letter-origin": f"{topic.name}/0/1".encode(),
    }


async def test_while_the_database_is_away_nothing_is_given_up(
    topic: Topic, effects: Effects, db: Database, servers: Servers, group: str
) -> None:
    async with consuming(topic, effects, db, servers, group):
        await write_topic(servers.kafka_bootstrap, topic.name, [(b"k", b"a")])
        await eventually(lambda: has(db, 1))
        await asyncio.to_thread(servers.postgres.kill)
        await write_topic(servers.kafka_bootstrap, topic.name, [(b"k", b"b"), (b"k", b"c")])
        await asyncio.to_thread(servers.postgres.start)
        await eventually(db.answers)
        await eventually(lambda: has(db, 3))

    assert await effects_of(db) == ["a", "b", "c"]
    assert await read_topic(servers.kafka_bootstrap, dead_letter_topic(topic.name)) == []


@asynccontextmanager
async def in_the_way(db: Database, first: str, then: str) -> AsyncIterator[None]:
    """Somebody who locks one name, and the other as soon as the first is waited for: again and again."""

    async def lock(connection: Connection, name: str) -> None:
        await connection.execute("SELECT FROM names WHERE name = $1 FOR UPDATE", name)

    async def is_waited_for(connection: Connection) -> bool:
        waiting = "SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
        return bool(await connection.fetchval(f"SELECT EXISTS ({waiting})"))

    async def get_in_the_way() -> None:
        async with db.connection() as connection:
            await connection.execute("SET deadlock_timeout = '1min'")  # the other one is to find it
            while True:
                async with connection.transaction():
                    await lock(connection, first)
                    while not await is_waited_for(connection):
                        await asyncio.sleep(0.01)
                    await lock(connection, then)

    rival = asyncio.create_task(get_in_the_way())
    try:
        yield
    finally:
        rival.cancel()
        await asyncio.wait([rival])


async def test_two_who_are_in_each_others_way_go_on_with_less_at_once(
    topic: Topic, db: Database, servers: Servers, group: str
) -> None:
    async with db.connection() as connection:
        await connection.execute("CREATE TABLE names (name text); INSERT INTO names VALUES ('a'), ('b')")
    taken: list[str] = []

    async def handle(connection: Connection, fresh: Sequence[Incoming[str]]) -> After | None:
        for one in fresh:
            await connection.execute("SELECT FROM names WHERE name = $1 FOR UPDATE", one.event)
        return lambda: taken.extend(one.event for one in fresh)

    async def are_taken() -> bool:
        return len(taken) == 2

    await write_topic(servers.kafka_bootstrap, topic.name, [(b"k", b"a"), (b"k", b"b")])
    loop = ConsumerLoop((topic,), group, servers.kafka_bootstrap, db, decode, Inbox(handle))
    async with in_the_way(db, "b", then="a"), background(Loop("consumer", loop.run), drain_seconds=20):
        await eventually(are_taken)
    assert taken == ["a", "b"]


async def test_a_broker_that_is_killed_and_comes_back_needs_no_restart(
    topic: Topic, effects: Effects, db: Database, servers: Servers, group: str
) -> None:
    """Known faults: «A broker that goes away and comes back wedges nobody, neither who publishes nor who reads.»"""
    async with consuming(topic, effects, db, servers, group):
        await write_topic(servers.kafka_bootstrap, topic.name, [(b"k", b"a")])
        await eventually(lambda: has(db, 1))
        await asyncio.to_thread(servers.kafka.kill)
        await asyncio.to_thread(servers.kafka.start)
        await write_topic(servers.kafka_bootstrap, topic.name, [(b"k", b"b")])
        await eventually(lambda: has(db, 2))

    assert await effects_of(db) == ["a", "b"]


async def has(db: Database, events: int) -> bool:
    try:
        return len(await effects_of(db)) == events
    except OSError:
        return False


async def buried(topic: Topic, servers: Servers) -> bool:
    return bool(await read_topic(servers.kafka_bootstrap, dead_letter_topic(topic.name)))


async def test_one_transaction_takes_no_more_than_it_is_to_and_keeps_their_order(effects: Effects) -> None:
    records = [Record("t", 0, place, 0, b"k", b"%d" % place) for place in range(7)]
    incoming = [decode(record) for record in records]
    parts = list(Inbox(effects.handle, at_once=3).parts(incoming))
    assert [len(part) for part in parts] == [3, 3, 1]
    assert [one for part in parts for one in part] == incoming
    assert list(Inbox(effects.handle).parts([])) == []


async def test_an_event_is_forgotten_when_its_record_cannot_come_again(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with db.connection() as connection:
        for name, days in (("old", 31), ("young", 29)):
            await connection.execute(
                "INSERT INTO inbox VALUES ($1, 't', 0, 0, '', now() - make_interval(days => $2))", name, days
            )
    monkeypatch.setattr(inbox, "_SWEEP_SECONDS", 0.01)
    stop = Stop()
    sweeping = asyncio.create_task(inbox.sweep(db, stop))
    async with db.connection() as connection, asyncio.timeout(5):
        while await connection.fetchval("SELECT array_agg(event_id) FROM inbox") != ["young"]:
            await asyncio.sleep(0.01)
    stop.set()
    await sweeping
