"""Runs are forgotten by their age, a little at a time, and never with what is still needed of them."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from calcom_sync.domain.errors import NotFoundError
from calcom_sync.domain.run import Run, RunKind
from calcom_sync.store import webhooks
from calcom_sync.worker.forgetting import Forgetter
from chassis.postgres import Database
from support.calcom_desk import ORG, CalcomDesk, calcom_desk

INCREMENTAL, RECONCILE, MANUAL, WEBHOOK = RunKind.INCREMENTAL, RunKind.RECONCILE, RunKind.MANUAL, RunKind.WEBHOOK


@pytest.fixture
async def desk(alone: Database) -> AsyncIterator[CalcomDesk]:
    async with calcom_desk(alone) as opened:
        yield opened


def forgetter(desk: CalcomDesk, rows: int = 1_000) -> Forgetter:
    return Forgetter(desk.database, desk.now, timedelta(days=30), rows)


async def forget(desk: CalcomDesk) -> None:
    while await forgetter(desk).step():
        pass


async def kept(desk: CalcomDesk) -> list[str]:
    """The ids of all runs, whoever may see them, the oldest first."""
    async with desk.database.connection() as conn:
        return [row["id"] for row in await conn.fetch("SELECT id FROM runs ORDER BY id")]


async def heard(desk: CalcomDesk, uid: str) -> Run:
    """Have a webhook tell of a booking, and what it told of read."""
    async with desk.database.connection() as conn:
        await webhooks.mark(conn, ORG, [uid], None, desk.now())
    return await desk.sync(WEBHOOK)


async def test_what_was_over_a_month_ago_is_forgotten(desk: CalcomDesk) -> None:
    desk.life.create(desk.now() + timedelta(days=1))
    old = await desk.sync(MANUAL)
    await desk.answer_all()
    desk.life.advance(days=29)
    young = await desk.sync(MANUAL)
    await desk.answer_all()
    waiting = await desk.runs.ask(ORG, MANUAL)
    await forget(desk)
    assert {old.id, young.id} <= set(await kept(desk))
    desk.life.advance(days=1, seconds=1)
    await forget(desk)
    assert old.id not in await kept(desk)
    assert {young.id, waiting.id} <= set(await kept(desk))
    async with desk.database.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM run_items WHERE run_id = $1", old.id) == 0
        assert await conn.fetchval("SELECT count(*) FROM chains") == 1


async def test_of_webhooks_those_that_told_something_are_kept_longer(desk: CalcomDesk) -> None:
    uid = desk.life.create(desk.now() + timedelta(days=1))
    news, idle = await heard(desk, uid), await heard(desk, uid)
    await desk.answer_all()
    desk.calcom.key = "cal_live_another"
    failed = await heard(desk, uid)
    other = await desk.sync(INCREMENTAL)
    desk.life.advance(hours=23)
    await forget(desk)
    assert await kept(desk) == sorted(run.id for run in (news, idle, failed, other))
    desk.life.advance(hours=1, seconds=1)
    await forget(desk)
    assert await kept(desk) == sorted(run.id for run in (news, failed, other))


async def test_many_rows_go_in_small_steps_and_nobody_sees_half_a_run(desk: CalcomDesk) -> None:
    for _ in range(25):
        desk.life.create(desk.now() + timedelta(days=1))
    run = await desk.sync(MANUAL)
    await desk.answer_all()
    desk.life.advance(days=31)
    tables, counts = ("runs", "run_items"), list[Counter[str]]()

    async def count() -> None:
        async with desk.database.connection() as conn:
            found = {name: await conn.fetchval(f"SELECT count(*) FROM {name}") for name in tables}
        counts.append(Counter(found))

    await count()
    while await forgetter(desk, rows=10).step():
        await count()
        with pytest.raises(NotFoundError):
            await desk.runs.get(ORG, run.id)
        assert await desk.runs.page(ORG, None, 10) == []
    assert [each["run_items"] for each in counts[:4]] == [25, 15, 5, 0]
    assert counts[-1].total() == 0


@pytest.mark.parametrize("outcome", ["invalid", "no_answer"])
async def test_what_booking_has_not_taken_over_is_not_forgotten(desk: CalcomDesk, outcome: str) -> None:
    """It is by the run's record that it is told again under other settings."""
    uid = desk.life.create(desk.now() + timedelta(days=200))
    run = await desk.sync(MANUAL)
    if outcome == "invalid":
        await desk.answer_all("invalid")
    else:
        desk.life.advance(hours=1)
        assert await desk.periodic.give_up() == 1
        await desk.told()
    desk.life.advance(days=31)
    await forget(desk)
    assert await kept(desk) == [run.id]
    await desk.configure()
    again = await desk.sync(RECONCILE)
    assert await desk.answer_all() == {uid: "CONFIRMED"}
    await forget(desk)
    assert await kept(desk) == [again.id]


async def test_an_organization_that_rested_for_months_goes_on(desk: CalcomDesk) -> None:
    """The next periodic run is reckoned from the last one, which was long ago."""
    assert await desk.periodic.ask() == 1
    (last,) = await desk.work()
    await desk.configure(enabled=False)
    desk.life.advance(days=90)
    await forget(desk)
    assert await kept(desk) == [last]
    await desk.configure(enabled=True)
    assert await desk.periodic.ask() == 1
    await desk.work()
    desk.life.advance(days=31)
    await forget(desk)
    assert last not in await kept(desk)
