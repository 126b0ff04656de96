"""The worker: runs are carried out, one of each organization, and come to an end whatever becomes of who does it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from prometheus_client import REGISTRY

from calcom_sync.domain.counting import Outcome, Tally
from calcom_sync.domain.errors import CalcomUnreachableError, NotFoundError
from calcom_sync.domain.run import Progress, Run, RunError, RunKind, RunState
from calcom_sync.service.runs import CarryOut, Held, LostError, Runs
from calcom_sync.worker import Runner
from chassis.clock import utc_now
from chassis.ids import Ids, new_id, next_id
from chassis.lifecycle import Loop, background
from chassis.postgres import Database
from support.waiting import eventually

ORG, OTHER = "org_a", "org_b"


@dataclass
class Doer:
    """Carries runs out: each is one step, which a test may hold up or let fail."""

    database: Database
    begun: list[str] = field(default_factory=list)
    positions: list[object] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    fails: Callable[[], Awaitable[None]] | None = None

    async def carry_out(self, held: Held) -> None:
        self.positions.append(held.run.progress.position)
        async with self.database.transaction() as conn:
            await held.save(conn, Progress({"page": 1}, Tally({Outcome.UNCHANGED: 1}), 1), {}, {})
        self.begun.append(held.run.id)
        await self.gate.wait()
        if self.fails is not None:
            await self.fails()
        async with self.database.transaction() as conn:
            await held.save(conn, Progress({"page": 2}, Tally({Outcome.UNCHANGED: 2}), 2), {}, {})


@pytest.fixture
def doer(alone: Database) -> Doer:
    return Doer(alone)


@asynccontextmanager
async def working(
    database: Database, carry_out: CarryOut, *, at_once: int = 4, lease: float = 30.0
) -> AsyncIterator[Runs]:
    """A worker, and what asks it for runs."""
    runner = Runner(database, carry_out, at_once=at_once, lease=lease, clock=utc_now, new_id=new_id)
    async with background(Loop("runs", runner.run), drain_seconds=5):
        yield Runs(database, utc_now, Ids(new_id, next_id), runner.wake)


async def ended(runs: Runs, run: Run) -> Run:
    """Wait until a run is over."""
    over = await runs.settled(run.org_id, run.id, within=15)
    assert over.is_settled
    return over


async def begun(doer: Doer, times: int = 1) -> None:
    async def enough() -> bool:
        return len(doer.begun) >= times

    await eventually(enough, within=10)


async def test_a_run_is_carried_out_at_once(alone: Database, doer: Doer) -> None:
    doer.gate.set()
    async with working(alone, doer.carry_out) as runs:
        run = await runs.ask(ORG, RunKind.MANUAL)
        over = await ended(runs, run)
        assert (over.state, over.error) == (RunState.COMPLETED, None)
        assert over.progress == Progress({"page": 2}, Tally({Outcome.UNCHANGED: 2}), 2)
        assert over.started_at is not None
        assert over.ended_at is not None
        with pytest.raises(NotFoundError):
            await runs.get(OTHER, run.id)
        assert [one.id for one in await runs.page(ORG, None, 10)] == [run.id]


async def test_one_of_each_organization_and_so_many_at_once(alone: Database, doer: Doer) -> None:
    async with working(alone, doer.carry_out, at_once=2) as runs:
        asked = [await runs.ask(org, RunKind.MANUAL) for org in (ORG, ORG, OTHER, "org_c")]
        await begun(doer, 2)
        await asyncio.sleep(1.2)  # a poll later
        assert sorted(doer.begun) == sorted([asked[0].id, asked[2].id])
        doer.gate.set()
        assert {(await ended(runs, run)).state for run in asked} == {RunState.COMPLETED}
    assert len(doer.begun) == 4


async def test_the_last_of_several_places_is_kept_for_those_that_nobody_waits_for(alone: Database, doer: Doer) -> None:
    async with working(alone, doer.carry_out, at_once=3) as runs:
        asked = [await runs.ask(f"org_{n}", kind) for n, kind in enumerate([RunKind.MANUAL, RunKind.WEBHOOK] * 2)]
        await begun(doer, 2)
        periodic = await runs.ask(ORG, RunKind.INCREMENTAL)
        await begun(doer, 3)
        await asyncio.sleep(1.2)  # a poll later
        assert sorted(doer.begun) == sorted([asked[0].id, asked[1].id, periodic.id])
        doer.gate.set()
        assert {(await ended(runs, run)).state for run in asked} == {RunState.COMPLETED}


async def test_a_run_that_is_waited_for_in_vain_is_told_as_it_is(alone: Database, doer: Doer) -> None:
    async with working(alone, doer.carry_out) as runs:
        run = await runs.ask(ORG, RunKind.MANUAL)
        assert (await runs.settled(ORG, run.id, within=0.2)).state is RunState.RUNNING


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (CalcomUnreachableError("nobody answers"), RunError("calcom_unreachable", "nobody answers")),
        (ZeroDivisionError("1 / 0"), RunError("internal_error", "something went wrong on our side")),
    ],
)
async def test_a_run_that_fails_tells_why_and_stops_nobody(
    alone: Database, doer: Doer, error: Exception, told: RunError
) -> None:
    async def fail() -> None:
        raise error

    doer.fails = fail
    doer.gate.set()
    async with working(alone, doer.carry_out) as runs:
        failed = await ended(runs, await runs.ask(ORG, RunKind.MANUAL))
        assert (failed.state, failed.error) == (RunState.FAILED, told)
        assert failed.progress.position == {"page": 1}
        doer.fails = None
        assert (await ended(runs, await runs.ask(ORG, RunKind.MANUAL))).state is RunState.COMPLETED


async def test_a_stop_leaves_a_run_to_the_next_at_once(alone: Database, doer: Doer) -> None:
    async with working(alone, doer.carry_out) as runs:
        run = await runs.ask(ORG, RunKind.MANUAL)
        await begun(doer)
    doer.gate.set()
    async with working(alone, doer.carry_out) as runs:
        assert (await ended(runs, run)).state is RunState.COMPLETED
    assert doer.positions == [None, {"page": 1}]


async def test_however_many_stop_a_run_comes_to_its_end(alone: Database, doer: Doer) -> None:
    async with working(alone, doer.carry_out) as runs:
        run = await runs.ask(ORG, RunKind.MANUAL)
        await begun(doer)
    for stops in range(1, 12):
        async with working(alone, doer.carry_out):
            await begun(doer, stops + 1)
    doer.gate.set()
    async with working(alone, doer.carry_out) as runs:
        assert (await ended(runs, run)).state is RunState.COMPLETED


async def test_what_nobody_keeps_any_more_goes_on_elsewhere(alone: Database, doer: Doer) -> None:
    """As after kill -9: the first worker is still there, but a stopped process keeps nothing."""
    lost: list[Exception] = []

    async def too_late() -> None:
        async with alone.connection() as conn:
            await conn.execute("UPDATE runs SET held_until = now() - interval '1 second'")

        async def taken_again() -> bool:
            return len(doer.begun) == 2

        doer.fails = None
        await eventually(taken_again, within=10)

    async def noting(held: Held) -> None:
        try:
            await doer.carry_out(held)
        except LostError as error:
            lost.append(error)
            raise

    doer.fails = too_late
    doer.gate.set()
    async with working(alone, noting) as runs:
        run = await runs.ask(ORG, RunKind.MANUAL)
        over = await ended(runs, run)
        assert (over.state, doer.begun) == (RunState.COMPLETED, [run.id, run.id])

        async def told() -> bool:
            return len(lost) == 1

        await eventually(told, within=10)
        assert (await runs.get(ORG, run.id)).progress.requests == 2


async def test_a_run_is_kept_for_as_long_as_it_takes(alone: Database, doer: Doer) -> None:
    async with working(alone, doer.carry_out, lease=0.6) as runs, working(alone, doer.carry_out, lease=0.6):
        run = await runs.ask(ORG, RunKind.MANUAL)
        await asyncio.sleep(2.5)
        doer.gate.set()
        await ended(runs, run)
    assert doer.begun == [run.id]


async def test_what_ends_whoever_takes_it_is_given_up(alone: Database, doer: Doer) -> None:
    async with working(alone, doer.carry_out) as runs:
        run = await runs.ask(ORG, RunKind.MANUAL)
        await begun(doer)
    async with alone.connection() as conn:
        await conn.execute("UPDATE runs SET takes = 10")
    async with working(alone, doer.carry_out) as runs:
        over = await ended(runs, run)
    assert over.error == RunError("internal_error", "the run was broken off again and again")
    assert len(doer.begun) == 1


async def test_operators_see_how_runs_end(alone: Database, doer: Doer) -> None:
    def completed() -> float:
        return REGISTRY.get_sample_value("slotwire_calcom_runs_total", {"state": "completed"}) or 0.0

    before = completed()
    doer.gate.set()
    async with working(alone, doer.carry_out) as runs:
        await ended(runs, await runs.ask(ORG, RunKind.MANUAL))
    assert completed() == before + 1
