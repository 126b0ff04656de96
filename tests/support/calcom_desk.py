"""An organization's syncs without worker and booking: each run is carried out when a test says so, by Cal.com's clock.

Invariant: what decides and writes is the service's own; a test says only when, and what booking answers.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from calcom_sync.client import CalcomClient
from calcom_sync.domain.errors import CalcomSyncError
from calcom_sync.domain.integration import Integration, Terms
from calcom_sync.domain.run import Bounds, Run, RunError, RunKind
from calcom_sync.domain.window import Window
from calcom_sync.service.periodic import Periodic
from calcom_sync.service.runs import Held, Runs, note_answers
from calcom_sync.service.syncing import Syncing
from calcom_sync.service.telling import Telling
from calcom_sync.service.tools import Tools
from calcom_sync.store import runs
from calcom_sync.store.integrations import IntegrationStore
from chassis.crypto import Sealer
from chassis.ids import Ids, new_id, next_id
from chassis.postgres import Database
from chassis.unit import UnitOfWork
from slotwire_contracts import CalcomBookingApplied, CalcomBookingObserved, CalcomResult, decode, make_event
from support.calcom import Life, StandIn, standin
from support.calcom_client import calcom_client

ORG = "org_a"
STORE = IntegrationStore(Sealer(bytes(32)))
IDS = Ids(new_id, next_id)
LEASE = timedelta(seconds=30)


@dataclass
class CalcomDesk:
    """Syncs of organizations that share a Cal.com.

    Attributes:
        terms: the settings of those that are set next.
        bounds: what one run may ask.
    """

    database: Database
    calcom: StandIn
    client: CalcomClient
    terms: Terms
    bounds: Bounds

    def __post_init__(self) -> None:
        units = UnitOfWork(self.database, lambda: None)
        tools = Tools(units, self.database, Telling(self.now, IDS), self.now, IDS, self.bounds)
        self.syncing = Syncing(tools, STORE, self.client)
        self.runs = Runs(self.database, self.now, IDS, lambda: None)
        self.periodic = Periodic(self.database, self.now, IDS, answers_within=900.0)
        self._read = 0

    @property
    def life(self) -> Life:
        return self.calcom.life

    def now(self) -> datetime:
        """Tell the time, which is Cal.com's."""
        return self.life.now

    async def configure(self, org_id: str = ORG, *, key: str = "", **terms: Any) -> None:
        """Set an organization's integration now."""
        self.terms = replace(self.terms, **terms)
        key = key or self.calcom.key
        one = Integration(org_id, self.terms, key, "", "secret", self.now(), self.now())
        async with self.database.transaction() as conn:
            await STORE.put(conn, one, api_key=key, webhook_secret="secret")

    async def sync(self, kind: RunKind, org_id: str = ORG) -> Run:
        """Ask for a run as it is asked for when it is due, and have it carried out."""
        window = Window(self.now() - timedelta(days=30), self.now() + timedelta(days=90))
        run = await self.runs.ask(org_id, kind, window if kind is RunKind.RECONCILE else Window())
        assert await self.work() == [run.id]
        return await self.runs.get(org_id, run.id)

    async def work(self) -> list[str]:
        """Carry out all runs that wait; answers which those were."""
        done = []
        while (taken := await self._taken()) is not None:
            async with self.database.connection() as conn:
                run = await runs.fetch(conn, taken.org_id, taken.run_id)
            assert run is not None
            error = None
            try:
                await self.syncing.carry_out(Held(run, taken))
            except CalcomSyncError as refused:
                error = RunError(refused.code, refused.message)
            async with self.database.connection() as conn:
                await runs.end(conn, taken, error, self.now())
            done.append(run.id)
        return done

    async def broken_off(self, kind: RunKind, path: str, *, passing: int) -> str:
        """Ask for a run that is left to the next worker at a request to a path, behind so many others; tells its id."""
        run = await self.runs.ask(ORG, kind)
        there = self.calcom.halt(path, passing=passing)
        work = asyncio.create_task(self.work())
        await there.met()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        async with self.database.connection() as conn:
            await conn.execute("UPDATE runs SET held_until = now() WHERE id = $1", run.id)
        return run.id

    async def _taken(self) -> runs.Taken | None:
        async with self.database.connection() as conn:
            return await runs.take(conn, new_id("tak"), LEASE, self.now())

    async def told(self) -> list[CalcomBookingObserved]:
        """What was told since the last time."""
        async with self.database.connection() as conn:
            rows = await conn.fetch("SELECT id, value FROM outbox WHERE id > $1 ORDER BY id", self._read)
        self._read = max([self._read, *(row["id"] for row in rows)])
        return [event for event in (decode(row["value"]) for row in rows) if isinstance(event, CalcomBookingObserved)]

    async def answer(self, event: CalcomBookingObserved, outcome: str) -> None:
        """Have booking answer what it was told."""
        result = CalcomResult.model_validate(
            {
                "chain_id": event.subject,
                "uid": event.data.resource.uid,
                "observed_sequence": event.sequence,
                "booking_id": None if outcome == "invalid" else "bk_1",
                "outcome": outcome,
                "conflict": False,
                "problem": {"param": "schedule_id", "message": "must exist"} if outcome == "invalid" else None,
            }
        )
        applied: CalcomBookingApplied = make_event(
            "calcom_booking.applied",
            id=new_id("evt"),
            time=self.now(),
            resource=result,
            change={"run_id": event.data.change.run_id},
            orgid=event.orgid,
            sequence=1,
            actor="calcom",
            causationid=event.id,
        )
        async with self.database.transaction() as conn:
            await note_answers(conn, [applied])

    async def answer_all(self, outcome: str = "created") -> Mapping[str, str]:
        """Have booking answer all that was told since the last time; tells the status of each chain that was told."""
        told = await self.told()
        for event in told:
            await self.answer(event, outcome)
        return {event.subject: event.data.resource.status.value for event in told}


@asynccontextmanager
async def calcom_desk(
    database: Database, life: Life | None = None, bounds: Bounds | None = None, **defects: Any
) -> AsyncIterator[CalcomDesk]:
    """A desk whose organization `ORG` is set, for the block."""
    async with standin(life) as calcom, calcom_client() as client:
        for name, value in defects.items():
            setattr(calcom.defects, name, value)
        desk = CalcomDesk(
            database, calcom, client, Terms(base_url=calcom.url, default_schedule_id="sch_a"), bounds or Bounds()
        )
        await desk.configure()
        yield desk
