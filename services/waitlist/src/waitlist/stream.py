"""The stream of booking's events: what falls free there has queues looked at here.

Members of the group share the partitions. Invariant: a record is done with only when the mark that it asks for is
committed; one that comes again marks again, which changes nothing that matters. Nothing is asked of booking here, so
that a slow one neither stalls the stream nor makes its group rebalance.
"""

from chassis.apart import at_home
from chassis.consumer import PoisonError
from chassis.kafka import Record
from chassis.lifecycle import Stop
from chassis.streaming import Member, Part
from chassis.tracing.messages import processing
from slotwire_contracts import BOOKING_EVENTS, AnyEvent, DecodeError, Topic, decode
from waitlist.service.due import Due

GROUP = "waitlist-matching"


class FreeingStream:
    """A member of the group that hears what falls free.

    Args:
        bootstrap: the brokers.
        due: marks the queues.
        topic: booking's events.
        group: the consumer group.
    """

    def __init__(self, bootstrap: str, due: Due, *, topic: Topic = BOOKING_EVENTS, group: str = GROUP) -> None:
        self._member = Member(bootstrap, topic, group)
        self._due = due

    async def run(self, stop: Stop) -> None:
        """Hear until asked to stop.

        Raises:
            Exception: whatever ended the app; run it again.
        """
        hear = at_home(self._hear)

        async def take(record: Record) -> None:
            try:
                event = decode(record.value)
            except DecodeError as error:
                raise PoisonError(str(error)) from error
            await hear(event)

        await self._member.run(lambda _: Part(take), stop, name="matching")

    async def _hear(self, event: AnyEvent) -> None:
        """Have an event heard, and what it brings about follow from it."""
        topic, group = self._member.topic.name, self._member.group
        with processing(topic, group, event.id, event.traceparent):
            await self._due.hear(event)
