"""The transactional outbox: events leave with the commit of the change they tell of, and the relay publishes them.

Invariants: an outbox row is published at least once and deleted only after the broker's acknowledgement to an
idempotent producer; rows of one key are published in the order of their ids. One relay at a time reads the table: it
holds a session lock, and it reads through the very connection that holds the lock, so that losing one is losing both.

A relay with little to do reads the moment it is woken. Under load it gathers: the more rows it found, the longer, up to
a twentieth of a second, it lets the next ones come together, and it deletes acknowledged rows many at a time. Without
that a busy service's database and broker spend as much on publishing as on the service's work.

What is larger than its topic takes is refused where it is written. Should the broker take less than that, such a row is
set aside in a table of its own, with the reason, and the others go on. A broker refuses whole batches, so only what was
sent alone is set aside: batches are made as the topic takes them that takes least, and smaller ones, for as long as the
process lives, if they are refused all the same. A broker that takes less than it tells, since we may not read the
settings of topics or they have just changed, may take what comes behind a batch that it refused: then the order of a
key is lost there, and nothing else.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from prometheus_client import Counter, Gauge

from chassis.kafka import BATCH_BYTES, TOO_LARGE, Producer, batch_limit
from chassis.lifecycle import Stop
from chassis.postgres import Connection, Database, DedicatedConnection, placeholders
from chassis.tracing.messages import following
from slotwire_contracts import HEADERS, RECORD_BYTES, TOPICS, Topic

_log = structlog.get_logger(__name__)

_MOST_COUNTED = 100_000  # each is read for it
_PUBLISHED = Counter("slotwire_outbox_published_total", "Outbox rows acknowledged by the broker.")
_ROWS = Gauge("slotwire_outbox_rows", f"Outbox rows that are not published at the last look, up to {_MOST_COUNTED}.")
_OLDEST = Gauge("slotwire_outbox_oldest_seconds", "Age of the oldest outbox row at the last look.")
_LEADING = Gauge("slotwire_outbox_leading", "1 while this process publishes its database's outbox.")
_SET_ASIDE = Gauge("slotwire_outbox_set_aside", "Outbox rows that the broker does not take, at the last look.")

_LOCK = 0x51074F58
_CHANNEL = "slotwire_outbox"
_BATCH_ROWS = 1_000
_BATCHES_UNDER_WAY = 3
_POLL_SECONDS = 1.0
_LOOK_SECONDS = 5.0
_NOTIFY_SECONDS = 0.003
_FEW_ROWS = 8  # found by one read: some hundred a second, and none of them waits
_GATHER_SECONDS_A_ROW = 0.004
_GATHER_SECONDS = 0.05
_DELETE_SECONDS = 0.05
_SMALLER = 4  # times, are batches made when one was refused

_READ = "SELECT id, topic, key, value FROM outbox WHERE id <> ALL ($1::bigint[]) ORDER BY id LIMIT $2"
_TOPICS = "SELECT DISTINCT topic FROM outbox"
_DELETE = "DELETE FROM outbox WHERE id = ANY ($1::bigint[])"
_AGE = "SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 FROM outbox"
_ASIDE = """
WITH refused AS (
    DELETE FROM outbox WHERE id = ANY ($1::bigint[]) RETURNING id, event_id, topic, key, value, created_at
)
INSERT INTO outbox_set_aside (id, event_id, topic, key, value, created_at, reason)
SELECT id, event_id, topic, key, value, created_at, $2 FROM refused
RETURNING event_id, topic, octet_length(value) AS bytes
"""
_COUNT = f"SELECT count(*) FROM (SELECT FROM outbox LIMIT {_MOST_COUNTED}) AS counted"
_COUNT_ASIDE = "SELECT count(*) FROM outbox_set_aside"

_LIMITS = {topic.name: topic.max_message_bytes for topic in TOPICS}
_FRAME_BYTES = 256
"""What the broker counts beside a record's key and value, at most: the head of its batch, its own, and its headers."""


class TooLargeError(Exception):
    """A message is larger than its topic takes; nothing of the transaction may be committed."""


def room(topic: Topic) -> int:
    """Tell what a message's key and value may measure together, in bytes."""
    return topic.max_message_bytes - _FRAME_BYTES


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A record to publish: `value` is an encoded event, `key` the id of the resource that it tells of."""

    event_id: str
    topic: str
    key: bytes
    value: bytes


COLUMNS = 4


def insertion(first: int, rows: int = 1) -> str:
    """Write an INSERT of messages, in their order; its parameters are `columns`, from the number `first` on.

    A writer makes it a part of its own last statement, which saves a round trip, or calls `append`. Either way it holds
    the lock of each message's resource row by then, or inserts the row with it: that makes the ids of one key rise in
    commit order.

    Args:
        first: the number of its first own parameter.
        rows: how many messages.
    """
    return f"INSERT INTO outbox (event_id, topic, key, value) VALUES {placeholders(first, rows, COLUMNS)}"


def columns(messages: Sequence[OutboxMessage]) -> list[object]:
    """Lay messages out as the parameters of `insertion`, one behind the other.

    Raises:
        TooLargeError: one can never be published.
    """
    return [value for message in messages for value in _row(message)]


def _row(message: OutboxMessage) -> tuple[object, ...]:
    size = len(message.key) + len(message.value)
    if size > _LIMITS.get(message.topic, RECORD_BYTES) - _FRAME_BYTES:
        raise TooLargeError(f"the event {message.event_id} measures {size} bytes, more than {message.topic} takes")
    return message.event_id, message.topic, message.key, message.value


_APPEND = insertion(1)


async def append(conn: Connection, messages: Sequence[OutboxMessage]) -> None:
    """Add messages in the caller's transaction, which holds the locks that `insertion` asks for.

    Raises:
        TooLargeError: one can never be published.
    """
    await conn.executemany(_APPEND, [_row(message) for message in messages])


class Relay:
    """Publishes one database's outbox while it leads, and calls the leader while it does not.

    It reads what is not under way, oldest first, so that a row which commits late with a lower id is found by the next
    read; and it reads on while earlier batches wait for their acknowledgement. A row is under way until it is deleted.
    """

    def __init__(self, database: Database, bootstrap: str) -> None:
        self._database = database
        self._bootstrap = bootstrap
        self._woken = asyncio.Event()
        self._under_way: set[int] = set()
        self._acknowledged: list[int] = []
        self._gathering = False
        self._settling: set[asyncio.Task[None]] = set()
        self._batch_bytes = BATCH_BYTES

    def wake(self) -> None:
        """Tell that rows were committed; cheap, and never blocks."""
        self._woken.set()

    async def run(self, stop: Stop) -> None:
        """Wait for the lead, then publish until asked to stop.

        Raises:
            KafkaError, OSError, asyncpg.PostgresError: when the broker or the database is away; run it again.
        """
        stop.waking(self.wake)
        async with self._database.dedicated() as connection:
            if await self._win(connection, stop):
                _log.info("relay_leads")
                _LEADING.set(1)
                try:
                    await self._lead(connection, stop)
                finally:
                    _LEADING.set(0)

    async def _win(self, connection: DedicatedConnection, stop: Stop) -> bool:
        """Try for the session lock until it is ours; meanwhile pass wake-ups on to the leader, wherever it runs."""
        while not stop.is_set():
            if await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
                return True
            clock = asyncio.get_running_loop()
            again = clock.time() + _POLL_SECONDS
            while (left := again - clock.time()) > 0 and await self._wait_for_wake(left) and not stop.is_set():
                await connection.execute(f"NOTIFY {_CHANNEL}")
                await asyncio.sleep(_NOTIFY_SECONDS)
        return False

    async def _wait_for_wake(self, seconds: float) -> bool:
        """Wait until rows were committed or a stop was asked for (True), but for `seconds` at most (False)."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return False
        self._woken.clear()
        return True

    async def _lead(self, connection: DedicatedConnection, stop: Stop) -> None:
        await connection.add_listener(_CHANNEL, lambda *_: self.wake())
        self._under_way.clear()
        self._acknowledged.clear()
        self._gathering = False
        clock = asyncio.get_running_loop()
        try:
            batch_bytes = await self._taken(connection)
            async with Producer.connected(self._bootstrap, batch_bytes=batch_bytes) as producer:
                while not stop.is_set():
                    began = clock.time()
                    found = await self._publish(connection, producer)
                    if found == _BATCH_ROWS:
                        await self._settle_down_to(_BATCHES_UNDER_WAY - 1)
                    else:
                        many = max(0, found - _FEW_ROWS)
                        gathered = began + min(many * _GATHER_SECONDS_A_ROW, _GATHER_SECONDS)
                        await asyncio.sleep(gathered - clock.time())
                        await self._wait_for_wake(_POLL_SECONDS)
                        self._raise_failures()
                await self._settle_down_to(0)
        finally:
            for task in self._settling:
                task.cancel()
            await asyncio.gather(*self._settling, return_exceptions=True)
            self._settling.clear()

    async def _taken(self, connection: DedicatedConnection) -> int:
        """Tell what a batch may measure: what all topics take, as far as the broker says it."""
        topics = {row["topic"] for row in await connection.fetch(_TOPICS)}
        return min(self._batch_bytes, await batch_limit(self._bootstrap, topics | _LIMITS.keys()) or BATCH_BYTES)

    async def _publish(self, connection: DedicatedConnection, producer: Producer) -> int:
        """Hand the oldest rows that are not under way to the producer, a batch at most; tell how many they were."""
        rows = await connection.fetch(_READ, list(self._under_way), _BATCH_ROWS)
        if rows:
            acknowledged = [
                await producer.send(row["topic"], key=row["key"], value=row["value"], headers=HEADERS) for row in rows
            ]
            sizes = {row["id"]: len(row["key"]) + len(row["value"]) for row in rows}
            self._under_way.update(sizes)
            followed = following([(row["topic"], row["value"]) for row in rows], acknowledged)
            settle = self._settle(sizes, followed, producer.batch_bytes)
            self._settling.add(asyncio.create_task(settle))
        return len(rows)

    async def _settle(
        self, sizes: Mapping[int, int], acknowledged: Sequence[Awaitable[object]], batch_bytes: int
    ) -> None:
        """Delete rows once the broker has acknowledged all of them: a batch at once, fewer together with others.

        Args:
            sizes: what each row measures, by its id.
            acknowledged: the broker's answers.
            batch_bytes: what a batch of them measured at most.

        Raises:
            KafkaError: one was not taken. If it never will be, it is set aside; whatever it was, the producer cannot go
                on behind it in its partition, so that it takes another one to publish the rest.
        """
        answers = await asyncio.gather(*acknowledged, return_exceptions=True)
        refused = {one: answer for one, answer in zip(sizes, answers, strict=True) if isinstance(answer, TOO_LARGE)}
        alone = [one for one in refused if sizes[one] > batch_bytes]
        if len(alone) < len(refused):
            self._batch_bytes = min(self._batch_bytes, batch_bytes // _SMALLER)
            _log.warning("outbox_batch_refused", rows=len(refused), next_batch_bytes=self._batch_bytes)
        if alone:
            await self._set_aside(alone, repr(refused[alone[0]]))
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        self._acknowledged += sizes
        if len(self._acknowledged) < _BATCH_ROWS:
            if self._gathering:
                return  # another waits already, and deletes these too
            self._gathering = True
            await asyncio.sleep(_DELETE_SECONDS)
            self._gathering = False
        done, self._acknowledged = self._acknowledged, []
        if done:
            async with self._database.connection() as connection:
                await connection.execute(_DELETE, done)
            self._under_way.difference_update(done)
            _PUBLISHED.inc(len(done))

    async def _set_aside(self, ids: list[int], reason: str) -> None:
        async with self._database.connection() as connection:
            for row in await connection.fetch(_ASIDE, ids, reason):
                _log.error("outbox_row_set_aside", **row, reason=reason)

    async def _settle_down_to(self, batches: int) -> None:
        """Wait until at most so many batches are under way.

        Raises:
            KafkaError, OSError, asyncpg.PostgresError: what ended a batch; its rows are still in the table.
        """
        while len(self._settling) > batches:
            await asyncio.wait(self._settling, return_when=asyncio.FIRST_COMPLETED)
            self._raise_failures()

    def _raise_failures(self) -> None:
        done = {task for task in self._settling if task.done()}
        self._settling -= done
        failures = [failure for task in done if (failure := task.exception()) is not None]
        if failures:
            raise failures[0]


async def watch(database: Database, stop: Stop) -> None:
    """Measure how much is to be published, since when, and how much is set aside, whoever leads, until asked to stop.

    Raises:
        OSError, asyncpg.PostgresError: when the database is away; run it again.
    """
    while not await stop.wait(_LOOK_SECONDS):
        async with database.connection() as connection:
            _ROWS.set(await connection.fetchval(_COUNT))
            _OLDEST.set(await connection.fetchval(_AGE))
            _SET_ASIDE.set(await connection.fetchval(_COUNT_ASIDE))
