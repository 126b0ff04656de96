"""Events from their topics into the ingest.

Invariant: a record that cannot be read, or whose id carries no time, is poison and goes to the dead letters.
"""

from collections.abc import Callable, Sequence

from chassis.consumer import ConsumerLoop, PoisonError
from chassis.inbox import Incoming
from chassis.kafka import Record
from chassis.postgres import Connection, Database
from slotwire_contracts import TOPICS, DecodeError, Topic, decode
from webhook_dispatcher.domain.ids import UnsortableIdError, instant_of
from webhook_dispatcher.service.ingest import Arrival, Ingest

GROUP = "webhook-dispatcher"


def read(record: Record) -> Incoming[Arrival]:
    """Read a record of a topic.

    Raises:
        PoisonError: it is no event of ours.
    """
    try:
        event = decode(record.value)
        instant_of(event.id)
    except (DecodeError, UnsortableIdError) as error:
        raise PoisonError(str(error)) from error
    return Incoming(event.id, Arrival(event.id, event.type, event.orgid, event.subject, record.value), record)


def consumer(
    bootstrap: str, database: Database, ingest: Ingest, *, topics: Sequence[Topic] = TOPICS, group: str = GROUP
) -> ConsumerLoop[Arrival]:
    """Make the loop that reads every topic of the catalog."""

    async def handle(conn: Connection, fresh: Sequence[Incoming[Arrival]]) -> Callable[[], None] | None:
        return await ingest.take(conn, [one.event for one in fresh])

    return ConsumerLoop(tuple(topics), group, bootstrap, database, read, handle)
