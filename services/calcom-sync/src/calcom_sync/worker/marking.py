"""Seeing to it that what is marked is read again, and that what is kept of webhooks does not grow.

Invariant: while a mark is due, a run of its organization waits or is under way, whoever set it; but for organizations
that want nothing read by itself, and those that rest since the runs before have failed.
"""

import asyncio

import structlog

from calcom_sync.domain.marks import KEPT
from calcom_sync.domain.run import RunKind
from calcom_sync.service.metrics import GIVEN_UP, MARKS
from calcom_sync.service.runs import Runs
from calcom_sync.store import webhooks
from chassis import tracing
from chassis.lifecycle import Stop
from chassis.postgres import Database

_log = structlog.get_logger(__name__)
_POLL_SECONDS = 1.0
_ORGANIZATIONS = 100
_SWEEP_SECONDS = 15.0
_SWEEP_ROWS = 1_000


class Summoner:
    """Asks for runs for what is marked.

    Args:
        database: where the marks are.
        runs: what is asked.
    """

    def __init__(self, database: Database, runs: Runs) -> None:
        self._database = database
        self._runs = runs
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Tell that something is marked; cheap, and never blocks."""
        self._woken.set()

    async def run(self, stop: Stop) -> None:
        """Work until asked to stop."""
        stop.waking(self.wake)
        while not stop.is_set():
            self._woken.clear()
            async with self._database.connection() as conn:
                waiting = await webhooks.waiting(conn, _ORGANIZATIONS)
            for org_id, traceparent in waiting.items():
                with tracing.within(traceparent):
                    await self._runs.ask_unless_waiting(org_id, RunKind.WEBHOOK)
            try:
                async with asyncio.timeout(_POLL_SECONDS):
                    await self._woken.wait()
            except TimeoutError:
                pass


async def sweep(database: Database, stop: Stop) -> None:
    """Forget webhooks that came long ago, and give up marks that could not be settled, until asked to stop."""
    while not await stop.wait(_SWEEP_SECONDS):
        async with database.connection() as conn:
            await webhooks.sweep_webhooks(conn, KEPT, _SWEEP_ROWS)
            given_up = await webhooks.sweep_marks(conn, KEPT, _SWEEP_ROWS)
            MARKS.set(await webhooks.count(conn))
        if given_up:
            GIVEN_UP.inc(given_up)
            _log.warning("marks_given_up", number=given_up)
