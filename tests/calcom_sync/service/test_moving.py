"""What is moved while a run reads is never told as called off."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from calcom_sync.domain.run import RunKind
from calcom_sync.domain.window import Window
from chassis.postgres import Database
from support.calcom.telling import written
from support.calcom_desk import ORG, CalcomDesk, calcom_desk

INCREMENTAL, RECONCILE, MANUAL = RunKind.INCREMENTAL, RunKind.RECONCILE, RunKind.MANUAL
LAG = timedelta(minutes=4)


@pytest.fixture
async def desk(alone: Database) -> AsyncIterator[CalcomDesk]:
    async with calcom_desk(alone) as opened:
        yield opened


async def over_by_now(desk: CalcomDesk) -> str:
    """Have a booking known that is over by now, and that no list of changes has any more."""
    uid = desk.life.create(desk.life.now + timedelta(days=1))
    desk.life.advance(minutes=10)
    later = desk.life.create(desk.life.now + timedelta(days=200))
    await desk.sync(RECONCILE)
    assert await desk.answer_all() == {uid: "CONFIRMED", later: "CONFIRMED"}
    desk.life.advance(days=1, minutes=34)
    return uid


async def told(desk: CalcomDesk) -> list[tuple[str, str, str]]:
    """The chain, the uid and the status of all that was told since the last time."""
    events = await desk.told()
    return [(each.subject, each.data.resource.uid, each.data.resource.status.value) for each in events]


async def test_what_is_read_again_and_was_moved_is_told_where_it_was_moved_to(desk: CalcomDesk) -> None:
    uid = await over_by_now(desk)
    desk.calcom.defects.list_lag = LAG
    moved = desk.life.reschedule(uid, desk.life.now + timedelta(days=3))
    desk.life.advance(minutes=1)
    await desk.sync(RECONCILE)
    assert await told(desk) == [(uid, moved, "CONFIRMED")]


@pytest.mark.parametrize("kind", [INCREMENTAL, RECONCILE])
async def test_what_is_read_again_and_was_moved_nobody_says_where_to_is_left(desk: CalcomDesk, kind: RunKind) -> None:
    """The list of changes, which is behind, tells where to when it has caught up."""
    uid = await over_by_now(desk)
    desk.calcom.defects.null_successor = True
    desk.calcom.defects.list_lag = LAG
    moved = desk.life.reschedule(uid, desk.life.now + timedelta(days=3))
    desk.life.advance(minutes=1)
    run = await desk.runs.ask(ORG, kind)
    async with asyncio.timeout(20):
        ran = await desk.work()
    assert await told(desk) == []
    assert len(ran) == (1 if kind is INCREMENTAL else 2), "what changed is read at once, but not again and again"
    assert (await desk.runs.get(ORG, run.id)).tally.details["superseded"] == 1
    desk.life.advance(minutes=5)
    await desk.sync(INCREMENTAL)
    assert await told(desk) == [(uid, moved, "CONFIRMED")]


async def test_what_moves_to_where_was_read_already_is_found_there(desk: CalcomDesk) -> None:
    life = desk.life
    desk.calcom.defects.null_successor = True
    desk.calcom.defects.short_pages = 2
    uids = [life.create(life.now + timedelta(days=day)) for day in (2, 3, 4, 5, 6)]
    await desk.sync(RECONCILE)
    await desk.answer_all()
    life.advance(hours=1)
    await desk.runs.ask(ORG, MANUAL)
    page = desk.calcom.halt("/v2/bookings", passing=1)
    work = asyncio.create_task(desk.work())
    await page.met()
    life.advance(seconds=1)
    moved = life.reschedule(uids[-1], life.now + timedelta(days=1))
    page.let_go()
    assert len(await work) == 2
    assert await told(desk) == [(uids[-1], moved, "CONFIRMED")]


async def test_where_it_was_moved_to_is_found_though_no_list_of_changes_has_that(desk: CalcomDesk) -> None:
    """The successor has no time of its update, and the row that was moved does not name it."""
    life = desk.life
    desk.calcom.defects.null_successor = True
    uid = life.create(life.now + timedelta(days=1))
    while life.last_row(uid).id % 7 != 6:
        uid = life.create(life.now + timedelta(days=1))
    desk.calcom.defects.nulls = True
    await desk.sync(RECONCILE)
    await desk.answer_all()
    life.advance(hours=1)
    moved = life.reschedule(uid, life.now + timedelta(days=200))
    requests = [(await desk.sync(INCREMENTAL)).progress.requests for _ in range(3)]
    assert await told(desk) == [(uid, moved, "CONFIRMED")]
    assert requests == [3, 2, 2]


async def test_what_its_host_wants_moved_is_told_at_once(desk: CalcomDesk) -> None:
    uid = desk.life.create(desk.life.now + timedelta(days=1))
    await desk.sync(MANUAL)
    await desk.answer_all()
    desk.life.advance(hours=1)
    desk.life.request_reschedule(uid)
    await desk.sync(MANUAL)
    assert await told(desk) == [(uid, uid, "CANCELLED")]


def without_update(desk: CalcomDesk, days: int = 1) -> str:
    """Book for so many days from now, in a row that never says when it changed."""
    desk.calcom.defects.nulls = True
    uid = desk.life.create(desk.life.now + timedelta(days=days))
    while desk.life.last_row(uid).id % 7:
        uid = desk.life.create(desk.life.now + timedelta(days=days))
    return uid


async def test_who_names_a_time_is_told_where_to_though_that_is_another_time(desk: CalcomDesk) -> None:
    desk.calcom.defects.null_successor = True
    uid = desk.life.create(desk.life.now + timedelta(days=1))
    await desk.sync(MANUAL)
    await desk.answer_all()
    desk.life.advance(hours=1)
    moved = desk.life.reschedule(uid, desk.life.now + timedelta(days=200))
    desk.life.advance(hours=1)
    await desk.runs.ask(ORG, MANUAL, Window(desk.now(), desk.now() + timedelta(days=10)))
    await desk.work()
    assert await told(desk) == [(uid, moved, "CONFIRMED")]


async def test_where_it_was_moved_to_is_found_though_neither_says_when(desk: CalcomDesk) -> None:
    """That is far away, and so only in the list of what was made."""
    desk.calcom.defects.null_successor = True
    uid = without_update(desk)
    for _ in range(6):
        desk.life.create(desk.life.now + timedelta(days=1))
    await desk.sync(RECONCILE)
    await desk.answer_all()
    desk.life.advance(days=3 / 4)
    moved = desk.life.reschedule(uid, desk.life.now + timedelta(days=200))
    assert desk.life.last_row(moved).id % 7 == 0
    desk.life.advance(hours=1)
    await desk.sync(RECONCILE)
    assert await told(desk) == [(uid, moved, "CONFIRMED")]


async def test_what_moves_to_where_was_read_already_and_does_not_say_when_is_found_there(desk: CalcomDesk) -> None:
    life = desk.life
    desk.calcom.defects.null_successor = True
    for day in (2, 3):
        life.create(life.now + timedelta(days=day))
    uid = without_update(desk, days=5)
    desk.calcom.defects.short_pages = 1
    await desk.sync(MANUAL)
    await desk.answer_all()
    life.advance(days=1 / 2)
    await desk.configure()
    await desk.runs.ask(ORG, MANUAL)
    page = desk.calcom.halt("/v2/bookings", passing=1)
    desk.calcom.asked.clear()
    work = asyncio.create_task(desk.work())
    await page.met()
    life.advance(seconds=1)
    moved = life.reschedule(uid, life.now + timedelta(days=1))
    page.let_go()
    assert len(await work) == 1
    assert await told(desk) == [(uid, moved, "CONFIRMED")]
    made = [query["afterCreatedAt"] for query in desk.calcom.asked if "sortCreated" in query]
    assert min(made) == written(life.now - timedelta(minutes=5, seconds=1)), "what was made before was read"


async def test_what_is_called_off_is_told_though_it_is_read_once_more_as_the_run_was_broken_off(
    desk: CalcomDesk,
) -> None:
    uid = without_update(desk)
    desk.life.request_reschedule(uid)
    for day in (2, 3, 4):
        desk.life.create(desk.life.now + timedelta(days=day))
    desk.life.advance(hours=1)
    desk.calcom.defects.short_pages = 1
    run_id = await desk.broken_off(MANUAL, "/v2/bookings", passing=3)
    async with desk.database.connection() as conn:
        assert (await conn.fetchval("SELECT position FROM runs WHERE id = $1", run_id))["open"] == [uid]
    assert await desk.work() == [run_id]
    assert (uid, uid, "CANCELLED") in await told(desk)
