"""Reading both topics.

Invariant: an offset is committed when what came before it is on the board, never sooner: a crash in between repeats
records and skips none.
"""

from contextlib import suppress

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import CommitFailedError

from slotwire_contracts import BOOKING_EVENTS, WAITLIST_EVENTS
from stream_consumer.board import Board
from stream_consumer.handling import take

__all__ = ["follow"]


async def follow(board: Board, bootstrap: str, group: str) -> None:
    """Keep a board up to date, from all that the topics still have, until cancelled.

    Args:
        board: what is kept.
        bootstrap: the brokers to begin with, host:port, comma-separated.
        group: which consumers share the work; they share the board too.
    """
    consumer = AIOKafkaConsumer(
        BOOKING_EVENTS.name,
        WAITLIST_EVENTS.name,
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    async with consumer:
        while True:
            batches = await consumer.getmany(timeout_ms=1000)
            for records in batches.values():
                for record in records:
                    print(*take(board, record.value), sep=": ", flush=True)
            if batches:
                # It fails when the partitions have gone to another of the group, who begins where this one committed
                # last. What was taken since is known.
                with suppress(CommitFailedError):
                    await consumer.commit()
