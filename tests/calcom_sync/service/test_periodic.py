"""What is due is asked for once, of everybody in turn, and not where it is not wanted."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from calcom_sync.domain.run import RunKind, RunState
from chassis.postgres import Database
from support.calcom_desk import ORG, STORE, CalcomDesk, calcom_desk

OTHER = "org_b"
INCREMENTAL, RECONCILE = RunKind.INCREMENTAL, RunKind.RECONCILE


@pytest.fixture
async def desk(alone: Database) -> AsyncIterator[CalcomDesk]:
    async with calcom_desk(alone) as opened:
        yield opened


async def kinds(desk: CalcomDesk, org_id: str = ORG) -> list[RunKind]:
    """An organization's runs, the oldest first."""
    return [run.kind for run in reversed(await desk.runs.page(org_id, None, 100))]


async def test_many_who_look_ask_once_for_each(desk: CalcomDesk) -> None:
    await desk.configure(OTHER)
    asked = await asyncio.gather(*(desk.periodic.ask() for _ in range(5)))
    assert sum(asked) == 2
    assert await desk.periodic.ask() == 0, "they wait already"
    assert (await kinds(desk), await kinds(desk, OTHER)) == ([RECONCILE], [RECONCILE])


async def test_two_days_of_an_organization(desk: CalcomDesk) -> None:
    await desk.configure(sync_interval_seconds=3600)
    for _ in range(2 * 50):
        await desk.periodic.ask()
        await desk.work()
        desk.life.advance(minutes=30)
    ran = await kinds(desk)
    assert len(ran) == 50
    assert [place for place, kind in enumerate(ran) if kind is RECONCILE] == [0, 24, 48]


async def test_who_waits_longest_is_asked_for_first_and_who_is_waited_for_before_them(desk: CalcomDesk) -> None:
    await desk.periodic.ask()
    desk.life.advance(seconds=1)
    await desk.configure(OTHER)
    await desk.periodic.ask()
    desk.life.advance(seconds=1)
    manual = await desk.runs.ask("org_c", RunKind.MANUAL)
    done = await desk.work()
    assert done[0] == manual.id
    assert [(await desk.runs.page(org, None, 1))[0].id for org in (ORG, OTHER)] == done[1:]


async def test_what_is_switched_off_or_gone_is_left_alone(desk: CalcomDesk) -> None:
    await desk.configure(enabled=False)
    assert await desk.periodic.ask() == 0
    desk.life.advance(minutes=1)
    await desk.configure(enabled=True)
    assert await desk.periodic.ask() == 1
    await desk.work()
    async with desk.database.transaction() as conn:
        await STORE.delete(conn, ORG)
    desk.life.advance(days=2)
    assert await desk.periodic.ask() == 0


async def test_a_refused_key_is_asked_with_ever_more_seldom_until_it_is_changed(desk: CalcomDesk) -> None:
    right, desk.calcom.key = desk.calcom.key, "cal_live_another"
    await desk.configure(key=right, sync_interval_seconds=60)
    failed = []
    for minute in range(120):
        if await desk.periodic.ask():
            await desk.work()
            failed.append(minute)
        desk.life.advance(minutes=1)
    rests = [later - earlier for earlier, later in pairwise(failed)]
    assert 5 <= len(failed) <= 8
    assert rests == sorted(rests)
    (last, *_) = await desk.runs.page(ORG, None, 1)
    assert (last.state, last.error and last.error.code) == (RunState.FAILED, "calcom_unauthorized")
    await desk.configure()
    assert await desk.periodic.ask() == 1
    await desk.work()
    assert (await desk.runs.page(ORG, None, 1))[0].state is RunState.COMPLETED
    desk.life.advance(minutes=1)
    assert await desk.periodic.ask() == 1, "and from then on in its interval"
