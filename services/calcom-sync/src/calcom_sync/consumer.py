"""What booking made of what it was told, from its topic into the runs that told it.

Invariant: a record that is no event, or tells of something else, goes to the dead letters; a type that is newer than
this service is passed over.
"""

from collections.abc import Sequence

from calcom_sync.service.runs import note_answers
from chassis.consumer import ConsumerLoop, Incoming, PoisonError
from chassis.inbox import Inbox
from chassis.kafka import Record
from chassis.postgres import Connection, Database
from slotwire_contracts import CALCOM_RESULTS, CalcomBookingApplied, DecodeError, Topic, UnknownEvent, decode

GROUP = "calcom-sync"

Applied = CalcomBookingApplied | UnknownEvent


def read(record: Record) -> Incoming[Applied]:
    """Read a record of the topic.

    Raises:
        PoisonError: it is no event, or none of those that belong here.
    """
    try:
        event = decode(record.value)
    except DecodeError as error:
        raise PoisonError(str(error)) from error
    if not isinstance(event, CalcomBookingApplied | UnknownEvent):
        raise PoisonError(f"{event.type} is none of this topic's events")
    return Incoming(event.id, event, record, event.traceparent)


def consumer(
    bootstrap: str, database: Database, *, topic: Topic = CALCOM_RESULTS, group: str = GROUP
) -> ConsumerLoop[Applied]:
    """Make the loop that notes what became of what was told."""

    async def note(conn: Connection, incoming: Sequence[Incoming[Applied]]) -> None:
        await note_answers(conn, [one.event for one in incoming if isinstance(one.event, CalcomBookingApplied)])

    return ConsumerLoop((topic,), group, bootstrap, database, read, Inbox(note))
