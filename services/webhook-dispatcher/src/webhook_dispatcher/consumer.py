"""Events from their topics into the ingest.

Invariant: a record that cannot be read, or whose id is no event's or carries no time that can be, is poison and goes to
the dead letters.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from chassis.clock import Clock
from chassis.consumer import ConsumerLoop, Incoming, PoisonError
from chassis.kafka import Partition, Record
from chassis.postgres import Connection, Database
from slotwire_contracts import DecodeError, Topic, decode, public_topics
from webhook_dispatcher.domain.arrival import Arrival, Place
from webhook_dispatcher.domain.ids import EVENT, UnsortableIdError, instant_of
from webhook_dispatcher.service.ingest import Ingest
from webhook_dispatcher.service.retention import Retention

GROUP = "webhook-dispatcher"
_AHEAD = timedelta(days=1)  # how far clocks may differ
_BIRTHS = 10_000


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads records."""

    clock: Clock

    def read(self, record: Record) -> Incoming[Arrival]:
        """Read a record of a topic.

        Raises:
            PoisonError: it is no event of ours.
        """
        try:
            event = decode(record.value)
            instant = instant_of(event.id)
        except (DecodeError, UnsortableIdError) as error:
            raise PoisonError(str(error)) from error
        if not event.id.startswith(f"{EVENT}_"):
            raise PoisonError(f"{event.id!r} is no event's id")
        if instant > self.clock() + _AHEAD:
            raise PoisonError(f"{event.id!r} carries a time more than a day ahead, {instant.isoformat()}")
        arrival = Arrival(
            event.id,
            instant.date(),
            event.type,
            event.orgid,
            event.subject,
            event.sequence,
            _place(record),
            record.value,
        )
        return Incoming(event.id, arrival, record, event.traceparent)


@dataclass(frozen=True, slots=True)
class IngestSink:
    """The ingest, as the consumer loop sees it.

    Attributes:
        ingest: takes events in.
        retention: makes their days.
        births: how many deliveries one transaction writes at most, unless they are all one event's.
    """

    ingest: Ingest
    retention: Retention
    births: int = _BIRTHS

    def parts(self, incoming: Sequence[Incoming[Arrival]]) -> Iterator[Sequence[Incoming[Arrival]]]:
        """Divide events so that no transaction writes too many deliveries, however many subscriptions want each.

        Of how many nobody knows yet, an event is taken in by itself: with that the subscriptions become known.
        """
        part: list[Incoming[Arrival]] = []
        births = 0
        for one in incoming:
            known = self.ingest.births(one.event)
            more = self.births if known is None else known
            if part and births + more > self.births:
                yield part
                part, births = [], 0
            part.append(one)
            births += more
        if part:
            yield part

    async def prepare(self, incoming: Sequence[Incoming[Arrival]]) -> None:
        """Have the days of these events ready."""
        await self.retention.ensure({one.event.day for one in incoming})

    async def take(self, conn: Connection, incoming: Sequence[Incoming[Arrival]]) -> Callable[[], None] | None:
        """Take events in, and commit that."""
        return await self.ingest.take(conn, [one.event for one in incoming])

    async def set_aside(self, conn: Connection, records: Sequence[Record]) -> None:
        """Note dead letters, and commit that."""
        await self.ingest.set_aside(conn, [_place(record) for record in records])

    async def known(self, conn: Connection, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """Tell where the marks of some partitions are."""
        return await self.ingest.known(conn, partitions)


def consumer(
    bootstrap: str,
    database: Database,
    ingest: Ingest,
    retention: Retention,
    *,
    clock: Clock,
    topics: Sequence[Topic] | None = None,
    group: str = GROUP,
) -> ConsumerLoop[Arrival]:
    """Make the loop that reads every topic of which webhooks tell, unless others are given."""
    sink = IngestSink(ingest, retention)
    return ConsumerLoop(tuple(topics or public_topics()), group, bootstrap, database, Reader(clock).read, sink)


def _place(record: Record) -> Place:
    return Place(record.topic, record.partition, record.offset)
