"""Reading what the stores hold when a run has settled.

Invariant: it is read as anybody could: tables, topics, offsets and answers. What happens by itself even when a system
is at rest, as when a visit is over, may happen meanwhile: all is read anew until no topic has grown while it was.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import aiohttp

from chaos.evidence import Record, Row, Stored
from chaos.groups import GROUPS
from chaos.reach import Answers, Reach
from chassis.kafka import LogReader
from chassis.kafka.reader import Stretch
from chassis.postgres import Connection, Database, database_url
from slotwire_contracts import TOPICS, WEBHOOK_ATTEMPTS, dead_letter_topic

TABLES: Mapping[str, Sequence[str]] = {
    "booking": (
        "bookings",
        "clients",
        "event_instances",
        "event_types",
        "external_bookings",
        "history",
        "holds",
        "inbox",
        "locations",
        "occupancy",
        "outbox",
        "outbox_set_aside",
        "resources",
        "schedules",
        "sections",
        "services",
        "spots",
        "tables",
    ),
    "waitlist": ("conversions", "entries", "offers", "outbox", "outbox_set_aside", "policies", "queues"),
    "webhook_dispatcher": (
        "attempts",
        "deliveries",
        "endpoint_health",
        "events",
        "gaps",
        "outbox",
        "outbox_set_aside",
        "subscriptions",
        "turns",
    ),
    "calcom_sync": ("aliases", "chains", "inbox", "outbox", "outbox_set_aside", "run_items", "runs"),
}
"""What is read, by database."""

_FIRST, _FOR_EVER = 0, 2**50  # milliseconds since 1970
_AT_ONCE = 5_000
_WAIT_SECONDS = 1.0
_TRIES = 5


async def read_stored(reach: Reach) -> Stored:
    """Read all that the checks look at, anew if something happened meanwhile: an offer's deadline knows no rest.

    Args:
        reach: where it is; of the organizations that have a key there the feeds and ledgers are read.

    Raises:
        aiohttp.ClientError, KafkaError, OSError: something is away, which it must not be any more.
        RuntimeError: a service does not answer as it should.
    """
    async with aiohttp.ClientSession() as session, LogReader.connected(reach.servers.kafka_bootstrap) as log:
        ends = await _ends(log)
        for _ in range(_TRIES):
            before, stored = ends, await _read_all(reach, log, Answers(session, reach))
            ends = await _ends(log)
            if ends == before:
                break
    return stored


async def _read_all(reach: Reach, log: LogReader, answers: Answers) -> Stored:
    tables: dict[str, list[Row]] = {}
    for database, names in TABLES.items():
        tables |= await _read_database(reach.servers.postgres_url, database, names)
    records = await _read_topics(log)
    return Stored(
        tables=tables,
        records=records,
        committed=await _read_offsets(log, records),
        feeds={org_id: await answers.feed(org_id, tables["booking.bookings"]) for org_id in reach.keys},
        ledgers={org_id: await answers.ledger(org_id) for org_id in reach.keys},
        calcom=reach.calcom,
    )


async def _read_database(server_url: str, database: str, names: Sequence[str]) -> dict[str, list[Row]]:
    """Read a database's tables as of one moment."""
    whole = Database(database_url(server_url, database), pool_size=1, application="chaos")
    async with whole.opened(), whole.snapshot() as conn:
        return {f"{database}.{name}": await _read_table(conn, name) for name in names}


async def _read_table(conn: Connection, name: str) -> list[Row]:
    rows = await conn.fetch(f"SELECT * FROM {name}")
    return [{column: _aware(value) for column, value in row.items()} for row in rows]


def _aware(value: Any) -> Any:
    """Give infinity its zone, which asyncpg leaves out."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


async def _ends(log: LogReader) -> list[Stretch]:
    """Tell where all topics end now."""
    named = [topic.name for topic in (*TOPICS, WEBHOOK_ATTEMPTS)]
    return await log.stretches([*named, *map(dead_letter_topic, named)], _FIRST, _FOR_EVER)


async def _read_topics(log: LogReader) -> list[Record]:
    return [record for stretch in await _ends(log) for record in await _read_stretch(log, stretch)]


async def _read_stretch(log: LogReader, stretch: Stretch) -> list[Record]:
    found: list[Record] = []
    place = stretch.start
    while place < stretch.end:
        records, place = await log.read(
            stretch.topic,
            stretch.partition,
            start=place,
            end=stretch.end,
            at_most=_AT_ONCE,
            wait_seconds=_WAIT_SECONDS,
        )
        found += [
            Record(
                one.topic,
                one.partition,
                one.offset,
                one.key,
                one.value,
                dict(one.headers),
                datetime.fromtimestamp(one.timestamp / 1000, UTC),
            )
            for one in records
        ]
    return found


async def _read_offsets(log: LogReader, records: Sequence[Record]) -> dict[tuple[str, str, int], int]:
    partitions = {(one.topic, one.partition) for one in records}
    return {
        (group, topic, partition): await log.committed(group, topic, partition)
        for group, topics in GROUPS.items()
        for topic, partition in partitions
        if topic in topics
    }
