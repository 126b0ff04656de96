"""A run that is broken off goes on where it stood: nothing is told twice, and nothing is left out."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from calcom_sync.client import CalcomClient
from calcom_sync.domain.integration import Integration, Pagination, Terms
from calcom_sync.domain.run import Bounds, Run, RunKind, RunState
from calcom_sync.domain.window import Window
from calcom_sync.service.runs import Runs
from calcom_sync.service.syncing import Syncing
from calcom_sync.service.telling import Telling
from calcom_sync.service.tools import Tools
from calcom_sync.store.integrations import IntegrationStore
from calcom_sync.worker import Runner
from chassis.clock import utc_now
from chassis.crypto import Sealer
from chassis.ids import Ids, new_id, next_id
from chassis.lifecycle import Loop, background
from chassis.postgres import Database
from chassis.unit import UnitOfWork
from slotwire_contracts import CalcomBookingObserved, decode
from support.calcom import Life, StandIn, standin
from support.calcom_client import calcom_client
from support.waiting import eventually

ORG = "org_a"
COUNT = 620
SEALER = Sealer(bytes(32))
STORE = IntegrationStore(SEALER)
TOMORROW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)


@dataclass
class Bench:
    """A database, a Cal.com, and what asks it."""

    database: Database
    calcom: StandIn
    client: CalcomClient

    @asynccontextmanager
    async def working(self) -> AsyncIterator[Runs]:
        """A worker for the block, and what asks it for runs."""
        ids = Ids(new_id, next_id)
        units = UnitOfWork(self.database, lambda: None)
        syncing = Syncing(
            Tools(units, self.database, Telling(utc_now, ids), utc_now, ids, Bounds()), STORE, self.client
        )
        runner = Runner(self.database, syncing.carry_out, at_once=1, lease=30.0, clock=utc_now, new_id=new_id)
        async with background(Loop("runs", runner.run), drain_seconds=5):
            yield Runs(self.database, utc_now, ids, runner.wake)

    async def configure(self, pagination: Pagination, version: str) -> None:
        """Set the organization's integration."""
        terms = Terms(base_url=self.calcom.url, api_version=version, pagination=pagination, default_schedule_id="sch_a")
        one = Integration(ORG, terms, self.calcom.key, "", "secret", utc_now(), utc_now())
        async with self.database.transaction() as conn:
            await STORE.put(conn, one, api_key=self.calcom.key, webhook_secret="secret")

    async def told(self) -> Counter[str]:
        """How often each chain was told of."""
        async with self.database.connection() as conn:
            rows = await conn.fetch("SELECT value FROM outbox ORDER BY id")
        events = [decode(row["value"]) for row in rows]
        return Counter(event.subject for event in events if isinstance(event, CalcomBookingObserved))


@pytest.fixture
async def bench(alone: Database) -> AsyncIterator[Bench]:
    async with standin(Life(now=utc_now() - timedelta(days=1))) as calcom, calcom_client() as client:
        yield Bench(alone, calcom, client)


async def over(runs: Runs, run: Run) -> Run:
    """Wait until a run has come to its end; nobody answers what it tells."""

    async def is_over() -> bool:
        return (await runs.get(ORG, run.id)).state.is_over

    await eventually(is_over, within=30)
    return await runs.get(ORG, run.id)


@pytest.mark.parametrize(
    ("pagination", "version"), [(Pagination.OFFSET, "2024-08-13"), (Pagination.CURSOR, "2026-05-01")]
)
async def test_a_run_that_is_broken_off_goes_on_where_it_stood(
    bench: Bench, pagination: Pagination, version: str
) -> None:
    await bench.configure(pagination, version)
    uids = [bench.calcom.life.create(TOMORROW + timedelta(hours=number // 3)) for number in range(COUNT)]
    bench.calcom.defects.delay = 0.3
    async with bench.working() as runs:
        run = await runs.ask(ORG, RunKind.MANUAL)

        async def is_under_way() -> bool:
            return (await runs.get(ORG, run.id)).progress.position is not None

        await eventually(is_under_way, within=20)
    bench.calcom.defects.delay = 0.0
    async with bench.working() as runs:
        half = await runs.get(ORG, run.id)
        assert 0 < half.fetched < COUNT
        done = await over(runs, run)
    assert (done.state, done.unanswered, done.fetched) == (RunState.COMPLETED, COUNT, COUNT)
    assert await bench.told() == Counter(uids)


async def test_a_chain_whose_rows_are_on_several_pages_is_told_once_and_counted_whole(bench: Bench) -> None:
    await bench.configure(Pagination.OFFSET, "2024-08-13")
    life = bench.calcom.life
    moved = [life.create(TOMORROW + timedelta(hours=number)) for number in range(300)]
    life.advance(hours=1)
    for number, uid in enumerate(moved[:5]):
        life.reschedule(uid, TOMORROW + timedelta(days=100, hours=number))
    async with bench.working() as runs:
        done = await over(runs, await runs.ask(ORG, RunKind.MANUAL))
    assert done.state is RunState.COMPLETED, done.error
    assert await bench.told() == Counter(moved)
    assert (done.fetched, done.unanswered, done.tally.details) == (305, 300, {"superseded": 5})


async def test_many_at_one_instant_are_each_told_once_though_they_have_no_order(bench: Bench) -> None:
    await bench.configure(Pagination.OFFSET, "2024-08-13")
    uids = [bench.calcom.life.create(TOMORROW + timedelta(hours=number // 100)) for number in range(COUNT)]
    bench.calcom.defects.no_tie_breaker = True
    bench.calcom.defects.wrong_totals = True
    bench.calcom.defects.trailing_pages = 2
    bench.calcom.defects.nulls = True
    bench.calcom.defects.unknown_host = True
    async with bench.working() as runs:
        done = await over(runs, await runs.ask(ORG, RunKind.MANUAL))
        assert done.state is RunState.COMPLETED, done.error
        assert await bench.told() == Counter(uids)
        again = await over(runs, await runs.ask(ORG, RunKind.MANUAL, Window(TOMORROW)))
    assert (again.fetched, again.unanswered) == (COUNT, 0)
    assert again.tally.details == {"unchanged": COUNT}
