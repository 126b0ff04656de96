"""Doing the planned faults to the system.

Invariant: nothing is done to a target while something else is; each planned fault is written down as done, with when
its target was well again, or as not done and why; when the run is over, all that is under way ends at once.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import psutil

from chaos.evidence import Fault
from chaos.groups import GROUPS
from chaos.journal import Journal
from chaos.parts import Part
from chaos.plan import RUN_WAS_OVER, Kind, Planned
from chaos.records import poisoned
from chaos.stage import Stage
from chaos.watch import note_death
from chassis.clock import utc_now
from chassis.kafka import Consumer, KafkaError
from chassis.lifecycle import Stop
from support.waiting import eventually

WELL_SECONDS = 30.0
"""How long a part may take to be well again; then the fault is taken for ended, and others may follow."""

Doing = Callable[[Planned], Awaitable[None]]


class Faults:
    """Does them.

    Args:
        over: set when the run is.
    """

    def __init__(self, stage: Stage, journal: Journal, over: Stop) -> None:
        self._stage = stage
        self._journal = journal
        self._over = over
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._locks.update({name: part.lock for name, part in stage.parts.items()})
        self._ways: dict[Kind, Doing] = {
            "kill": self._kill,
            "pause": self._pause,
            "restart": self._restart,
            "cut": self._cut,
            "slow": self._slow,
            "poison": self._poison,
            "rebalance": self._rebalance,
        }

    async def play(self, schedule: Sequence[Planned]) -> None:
        """Do them all, each when its time has come and its target is free."""
        began = utc_now()
        async with asyncio.TaskGroup() as group:
            for one in schedule:
                group.create_task(self._minded(one, began))

    async def _minded(self, planned: Planned, began: datetime) -> None:
        with self._journal.minding(f"the fault {planned}"):
            await self._one(planned, began)

    async def _one(self, planned: Planned, began: datetime) -> None:
        await self._over.wait(max(0.0, planned.at - (utc_now() - began).total_seconds()))
        # Poison is put where the broker takes it for sure, so that it is known where it is.
        name = "kafka" if planned.kind == "poison" else planned.target
        async with self._locks[name]:
            if self._over.is_set():
                self._journal.undone.append((planned, RUN_WAS_OVER))
                return
            at = utc_now()
            try:
                await self._ways[planned.kind](planned)
            except (KafkaError, OSError, TimeoutError) as error:
                self._journal.undone.append((planned, repr(error)))
            else:
                self._journal.faults.append(Fault(planned.kind, planned.target, at, utc_now()))

    def _taken(self, planned: Planned) -> Part:
        """Take a part in hand; one that has just ended by itself is not taken for one that the fault ended."""
        part = self._stage.parts[planned.target]
        note_death(part, self._journal)
        return part

    async def _kill(self, planned: Planned) -> None:
        part = self._taken(planned)
        await part.kill()
        await self._over.wait(planned.lasts)
        await self._start(part)

    async def _restart(self, planned: Planned) -> None:
        part = self._taken(planned)
        await part.stop()
        await self._over.wait(planned.lasts)
        await self._start(part)

    async def _pause(self, planned: Planned) -> None:
        part = self._taken(planned)
        first = psutil.Process(part.process.pid)
        first.suspend()  # before its children are looked for, so that it gets no more
        family = [first, *first.children(recursive=True)]
        for process in family[1:]:
            _send(process.suspend)
        try:
            await self._over.wait(planned.lasts)
        finally:
            for process in reversed(family):
                _send(process.resume)
        await self._well(part)

    async def _start(self, part: Part) -> None:
        with self._journal.minding(f"starting {part.name} again"):
            await part.start()
            await self._well(part)

    async def _well(self, part: Part) -> None:
        """Wait until it is well; what takes longer than it may is a reader's to find in the log of faults."""
        try:
            await eventually(part.is_well, within=WELL_SECONDS)
        except TimeoutError:
            self._journal.notes.append(f"{part.name} was not well within {WELL_SECONDS:g} s of a fault")

    async def _cut(self, planned: Planned) -> None:
        way = self._stage.ways[planned.target]
        way.cut()
        await self._over.wait(planned.lasts)
        way.mend()

    async def _slow(self, planned: Planned) -> None:
        way = self._stage.ways[planned.target]
        way.slow(planned.amount)
        await self._over.wait(planned.lasts)
        way.mend()

    async def _poison(self, planned: Planned) -> None:
        bootstrap = self._stage.servers.kafka_bootstrap
        async for one in poisoned(bootstrap, planned.target, int(planned.amount)):
            self._journal.poison.append(one)

    async def _rebalance(self, planned: Planned) -> None:
        """Join a group, take what it gives and do nothing with it, and leave."""
        bootstrap = self._stage.servers.kafka_bootstrap
        async with Consumer.connected(bootstrap, GROUPS[planned.target], group=planned.target):
            await self._over.wait(planned.lasts)


def _send(signal: Callable[[], None]) -> None:
    try:
        signal()
    except psutil.NoSuchProcess:
        return
