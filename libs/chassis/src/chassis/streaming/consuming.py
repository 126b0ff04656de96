"""What faust reads from Kafka: handed on in its order, done with in its order, and all of it again after a rebalance.

By itself faust loses records in a rebalance. It goes back to where the group is while it reads on, so that what
comes again may count as known; it empties its queues once more behind that; of a paused partition it drops what was
fetched; and it commits across a gap of one record. Here a partition is read only from the step on in which faust has
emptied its queues and the partition went back. What faust may still lose on the way is noticed when the next record of
its partition comes.

Invariants: what is read is handed on, unless a rebalance comes between: then it is read again; what is committed is
behind a record that was taken, as were all before it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from faust.transport.drivers import aiokafka
from faust.types import TP, Message

from chassis.streaming.keeping import Producer

_WAIT_SECONDS = 1.0


class _Reader(aiokafka.AIOKafkaConsumerThread):
    """What reads from Kafka, in the loop of the app.

    By itself faust reads in a thread, which misses a stop that comes while it starts; and to end it, faust holds up the
    app's loop, while the thread may wait for just that loop to tell the app of a rebalance.
    """

    async def start(self) -> None:
        """Start here."""
        self._thread_started.set()
        await self._default_start()
        await self.on_thread_started()

    async def stop(self) -> None:
        """Stop here."""
        if self._started.is_set() and not self._stopped.is_set():
            self._stopped.set()
            await self._shutdown_thread()

    def close(self) -> None:
        """Leave that to `stop`: faust would close it in a rebalance, before it has left the group."""

    async def read(self, wanted: "_Wanted") -> Mapping[TP, list[Any]]:
        """Take what was fetched of the partitions that are wanted by then; wait a moment if that is nothing."""
        found: Mapping[TP, list[Any]] = await self._fetch_records(
            self._ensure_consumer(),
            wanted,  # type: ignore[arg-type]  # it is asked for what it holds, no more
            timeout=_WAIT_SECONDS,
        )
        return found

    async def committed(self, tps: Iterable[TP]) -> dict[TP, int]:
        """Tell where the group is in partitions: 0 where it has committed nothing yet."""
        reader = self._ensure_consumer()
        return {tp: await reader.committed(aiokafka.ensure_aiokafka_TP(tp)) or 0 for tp in tps}

    def go_to(self, tp: TP, offset: int) -> None:
        """Have the partition read from there, or from the first record behind that is still there."""
        self._ensure_consumer().seek(aiokafka.ensure_aiokafka_TP(tp), offset)


class _Wanted:
    """The partitions that are read now, whichever those are when it is asked."""

    def __init__(self, holds: Callable[[TP], bool]) -> None:
        self._holds = holds

    def __contains__(self, tp: TP) -> bool:
        return self._holds(tp)


class Consumer(aiokafka.Consumer):
    """Faust's consumer, but for the way of a record from Kafka to the agent, and for what is committed."""

    _STOPPED: ClassVar[tuple[type[BaseException], ...]] = (
        asyncio.CancelledError,
        *aiokafka.Consumer.consumer_stopped_errors,
    )
    _thread: _Reader

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._turn = 0
        self._coming: set[TP] = set()
        self._found: dict[TP, int] | None = None
        self._under_way: dict[TP, deque[Message]] = {}
        self._done: dict[TP, int] = {}
        self._committed: dict[TP, int] = {}

    def is_next(self, message: Message) -> bool:
        """Tell whether to take a record; one from before a rebalance is not to be taken, since it comes again.

        Raises:
            RuntimeError: one before it was handed on and has not come.
        """
        waiting = self._under_way.get(message.tp)
        if not waiting or waiting[0] is message:
            return bool(waiting)
        if any(one is message for one in waiting):
            raise RuntimeError(f"{waiting[0]} was passed over")
        return False

    def ack(self, message: Message) -> bool:
        """Have done with a record, unless a rebalance came between: then it comes again."""
        message.acked = True
        waiting = self._under_way.get(message.tp)
        if not waiting or waiting[0] is not message:
            return False
        waiting.popleft()
        self._done[message.tp] = message.offset + 1
        return True

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002 - faust calls it so
        """Commit what is done with, once all that it led to is in the changelogs.

        Raises:
            Exception: why something of that is not.
        """
        turn = self._turn
        ahead = {tp: offset for tp, offset in self._done.items() if offset != self._committed[tp]}
        if not ahead:
            return False
        producer: Producer = self.app.producer  # type: ignore[assignment]  # every app here has this one
        await producer.settle()
        if turn != self._turn or not await self._commit(ahead):
            return False
        if turn == self._turn:
            self._committed.update(ahead)
        return True

    async def commit_and_end_transactions(self) -> None:
        """Commit for the last time; by itself faust leaves it at a commit that began before."""
        await self.maybe_wait_for_commit_to_finish()
        await self.commit()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let go of what was read: it comes again, here or elsewhere."""
        self._begin()
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Let go of what a recovery looked up that does not know of this rebalance yet."""
        self._begin()
        await super().on_partitions_assigned(assigned, generation_id)

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Have changelogs read from now on; others only once it is known where the group is."""
        tps = set(tps)
        changelogs = {tp for tp in tps if self._is_changelog_tp(tp)}
        self._coming = tps - changelogs
        super().resume_partitions(changelogs)

    async def perform_seek(self) -> None:
        """Look up where the group is in the partitions that are to be read."""
        turn = self._turn
        found = await self._thread.committed(self._coming)
        if turn == self._turn:
            self._found = found

    def resume_flow(self) -> None:
        """Go on; from where the group is, if that was looked up. Faust has emptied its queues in this same step."""
        found, self._found = self._found, None
        if found is not None:
            self._begin()
            self._committed.update(found)
            for tp, offset in found.items():
                self._thread.go_to(tp, offset)
            super().resume_partitions(found)
        super().resume_flow()

    async def _drain_messages(self, fetcher: Any) -> None:
        wanted = _Wanted(self._is_wanted)
        try:
            while not (self.should_stop or fetcher.should_stop):
                if not self.flow_active:
                    await self.wait(self.can_resume_flow)  # type: ignore[arg-type]  # every `wait()` will do
                await self._hand_on(await self._thread.read(wanted))
        except self._STOPPED:
            if not self.app.should_stop:
                raise

    async def _hand_on(self, read: Mapping[TP, list[Any]]) -> None:
        turn = self._turn
        for tp, record in self.scheduler.iterate(read):
            if turn != self._turn or not self.flow_active:
                return
            message = self._to_message(tp, record)
            if not self._is_changelog_tp(tp):
                self._under_way.setdefault(tp, deque()).append(message)
            await self.wait_first(self.callback(message), self.suspend_flow.wait())

    def _begin(self) -> None:
        self._turn += 1
        self._found = None
        self._coming = set()
        self._under_way.clear()
        self._done.clear()
        self._committed.clear()

    def _is_wanted(self, tp: TP) -> bool:
        known = tp in self._committed or self._is_changelog_tp(tp)
        return known and self.flow_active and tp in self._active_partitions and tp not in self._paused_partitions

    def _new_consumer_thread(self) -> _Reader:
        return _Reader(self, loop=self.loop, thread_loop=self.loop, beacon=self.beacon)
