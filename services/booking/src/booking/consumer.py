"""What is found in Cal.com, from its topic into bookings.

Invariant: a record that is no event, or tells of something else, goes to the dead letters; a type that is newer than
this service is passed over.
"""

from collections.abc import Callable, Sequence

from booking.service.projecting import Projection
from chassis.consumer import After, ConsumerLoop, Incoming, PoisonError
from chassis.inbox import Inbox
from chassis.kafka import Record
from chassis.postgres import Connection, Database
from slotwire_contracts import (
    CALCOM_BOOKINGS,
    CalcomBookingObserved,
    DecodeError,
    Topic,
    UnknownEvent,
    decode,
)

GROUP = "booking"
_AT_ONCE = 50  # bookings whose time is locked until the commit

Observed = CalcomBookingObserved | UnknownEvent


def read(record: Record) -> Incoming[Observed]:
    """Read a record of the topic.

    Raises:
        PoisonError: it is no event, or none of those that belong here.
    """
    try:
        event = decode(record.value)
    except DecodeError as error:
        raise PoisonError(str(error)) from error
    if not isinstance(event, CalcomBookingObserved | UnknownEvent):
        raise PoisonError(f"{event.type} is none of this topic's events")
    return Incoming(event.id, event, record, event.traceparent)


def consumer(
    bootstrap: str,
    database: Database,
    projection: Projection,
    wake_relay: Callable[[], None],
    *,
    topic: Topic = CALCOM_BOOKINGS,
    group: str = GROUP,
) -> ConsumerLoop[Observed]:
    """Make the loop that applies what is found."""

    async def apply(conn: Connection, incoming: Sequence[Incoming[Observed]]) -> After:
        for one in incoming:
            if isinstance(one.event, CalcomBookingObserved):
                await projection.apply(conn, one.event)
        return wake_relay

    return ConsumerLoop((topic,), group, bootstrap, database, read, Inbox(apply, at_once=_AT_ONCE))
