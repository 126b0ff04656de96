"""The transactional outbox: events leave with the commit of the change they tell of, and the relay publishes them.

Invariants: an outbox row is published at least once and deleted only after the broker's acknowledgement to an
idempotent producer; rows of one key are published in the order of their ids. One relay at a time reads the table: it
holds a session lock, and it reads through the very connection that holds the lock, so that losing one is losing both.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

import structlog
from prometheus_client import Counter, Gauge

from chassis.kafka import Producer
from chassis.lifecycle import Stop
from chassis.postgres import Connection, Database, DedicatedConnection
from slotwire_contracts import HEADERS

_log = structlog.get_logger(__name__)

_PUBLISHED = Counter("slotwire_outbox_published_total", "Outbox rows acknowledged by the broker.")
_OLDEST = Gauge("slotwire_outbox_oldest_seconds", "Age of the oldest outbox row at the last look.")
_LEADING = Gauge("slotwire_outbox_leading", "1 while this process publishes its database's outbox.")

_LOCK = 0x51074F58
_CHANNEL = "slotwire_outbox"
_BATCH_ROWS = 1_000
_BATCHES_UNDER_WAY = 3
_POLL_SECONDS = 1.0
_LOOK_SECONDS = 5.0
_NOTIFY_SECONDS = 0.003

_APPEND_ONE = "INSERT INTO outbox (event_id, topic, key, value) VALUES ($1, $2, $3, $4)"
_APPEND = """
INSERT INTO outbox (event_id, topic, key, value)
SELECT event_id, topic, key, value
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[]) WITH ORDINALITY AS given (event_id, topic, key, value, n)
ORDER BY n
"""
_READ = "SELECT id, topic, key, value FROM outbox WHERE id <> ALL ($1::bigint[]) ORDER BY id LIMIT $2"
_DELETE = "DELETE FROM outbox WHERE id = ANY ($1::bigint[])"
_AGE = "SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 FROM outbox"


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A record to publish: `value` is an encoded event, `key` the id of the resource that it tells of."""

    event_id: str
    topic: str
    key: bytes
    value: bytes


async def append(connection: Connection, messages: Sequence[OutboxMessage]) -> None:
    """Append messages inside the caller's transaction, in their order.

    The caller holds the lock of each message's resource row: that makes the ids of one key rise in commit order.
    """
    if len(messages) == 1:
        (only,) = messages
        await connection.execute(_APPEND_ONE, only.event_id, only.topic, only.key, only.value)
    elif messages:
        await connection.execute(
            _APPEND,
            [message.event_id for message in messages],
            [message.topic for message in messages],
            [message.key for message in messages],
            [message.value for message in messages],
        )


class Relay:
    """Publishes one database's outbox while it leads, and calls the leader while it does not.

    It reads what is not under way, oldest first, so that a row which commits late with a lower id is found by the next
    read; and it reads on while earlier batches wait for their acknowledgement.
    """

    def __init__(self, database: Database, bootstrap: str) -> None:
        self._database = database
        self._bootstrap = bootstrap
        self._woken = asyncio.Event()
        self._under_way: set[int] = set()
        self._settling: set[asyncio.Task[None]] = set()

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
            again = asyncio.get_running_loop().time() + _POLL_SECONDS
            while await self._wait_for_wake(again - asyncio.get_running_loop().time()) and not stop.is_set():
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
        looked = 0.0
        try:
            async with Producer.connected(self._bootstrap) as producer:
                while not stop.is_set():
                    if await self._publish(connection, producer):
                        await self._settle_down_to(_BATCHES_UNDER_WAY - 1)
                    else:
                        await self._wait_for_wake(_POLL_SECONDS)
                        self._raise_failures()
                    if (now := asyncio.get_running_loop().time()) > looked + _LOOK_SECONDS:
                        looked = now
                        _OLDEST.set(await connection.fetchval(_AGE))
                await self._settle_down_to(0)
        finally:
            for task in self._settling:
                task.cancel()
            self._settling.clear()

    async def _publish(self, connection: DedicatedConnection, producer: Producer) -> bool:
        """Hand the oldest rows that are not under way to the producer; tell whether more may wait."""
        rows = await connection.fetch(_READ, list(self._under_way), _BATCH_ROWS)
        if rows:
            acknowledged = [
                await producer.send(row["topic"], key=row["key"], value=row["value"], headers=HEADERS) for row in rows
            ]
            ids = [row["id"] for row in rows]
            self._under_way.update(ids)
            self._settling.add(asyncio.create_task(self._settle(ids, acknowledged)))
        return len(rows) == _BATCH_ROWS

    async def _settle(self, ids: list[int], acknowledged: list[Awaitable[object]]) -> None:
        """Delete rows once the broker has acknowledged all of them."""
        await asyncio.gather(*acknowledged)
        async with self._database.connection() as connection:
            await connection.execute(_DELETE, ids)
        self._under_way.difference_update(ids)
        _PUBLISHED.inc(len(ids))

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
        for task in done:
            task.result()
