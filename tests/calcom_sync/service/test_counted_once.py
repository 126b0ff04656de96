"""What a run reads counts once, whatever it read of it before and whatever it read of it then."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from calcom_sync.domain.run import Run, RunKind
from calcom_sync.store import webhooks
from chassis.postgres import Database
from support.calcom_desk import ORG, CalcomDesk, calcom_desk

RECONCILE, WEBHOOK = RunKind.RECONCILE, RunKind.WEBHOOK


@pytest.fixture
async def desk(alone: Database) -> AsyncIterator[CalcomDesk]:
    async with calcom_desk(alone) as opened:
        yield opened


async def counts(desk: CalcomDesk, run: Run) -> dict[str, int]:
    """What a run counts once booking has answered, which must be what it was served."""
    await desk.answer_all()
    run = await desk.runs.get(ORG, run.id)
    assert run.error is None
    assert run.fetched == run.tally.fetched == len(desk.calcom.served)
    return run.tally.details


async def meanwhile(desk: CalcomDesk, happen: Callable[[], object]) -> Run:
    """Have all compared, and something happen when what changed is told and what is near is not read yet."""
    run = await desk.runs.ask(ORG, RECONCILE)
    near = desk.calcom.halt("/v2/bookings", passing=1)
    desk.calcom.served.clear()
    work = asyncio.create_task(desk.work())
    await near.met()
    desk.life.advance(seconds=10)
    happen()
    near.let_go()
    await work
    return run


async def test_what_was_told_and_is_then_left_as_it_moves_counts_as_what_was_told(desk: CalcomDesk) -> None:
    uid = desk.life.create(desk.life.now + timedelta(days=1))
    run = await meanwhile(desk, lambda: desk.life.request_reschedule(uid))
    assert await counts(desk, run) == {"created": 1}


async def test_what_was_told_and_has_moved_on_to_what_is_no_booking(desk: CalcomDesk) -> None:
    uid, day = desk.life.create(desk.life.now + timedelta(days=1)), desk.life.now + timedelta(days=2)
    run = await meanwhile(desk, lambda: desk.life.edit(desk.life.reschedule(uid, day), status="odd"))
    assert await counts(desk, run) == {"created": 1, "invalid": 1}


async def test_what_was_told_and_has_moved_on_is_told_again_and_superseded(desk: CalcomDesk) -> None:
    uid, day = desk.life.create(desk.life.now + timedelta(days=1)), desk.life.now + timedelta(days=2)
    run = await meanwhile(desk, lambda: desk.life.reschedule(uid, day))
    assert await counts(desk, run) == {"created": 1, "superseded": 1}


async def test_what_a_webhook_tells_of_while_it_is_read_counts_once(desk: CalcomDesk) -> None:
    """The second one is about the successor, which names where it comes from; that is not read again."""
    uid = desk.life.create(desk.life.now + timedelta(days=1))
    others = [desk.life.create(desk.life.now + timedelta(days=2)) for _ in range(10)]
    await mark(desk, uid, minutes=90)
    await mark(desk, *others, minutes=80)
    run = await desk.runs.ask(ORG, WEBHOOK)
    second = desk.calcom.halt("/v2/bookings/", passing=10)
    desk.calcom.served.clear()
    work = asyncio.create_task(desk.work())
    await second.met()
    moved = desk.life.reschedule(uid, desk.life.now + timedelta(days=3))
    await mark(desk, moved, minutes=70)
    second.let_go()
    await work
    assert await counts(desk, run) == {"created": 11, "superseded": 1}


async def mark(desk: CalcomDesk, *uids: str, minutes: float) -> None:
    """Have webhooks tell of bookings, so many minutes ago."""
    async with desk.database.connection() as conn:
        await webhooks.mark(conn, ORG, uids, None, desk.now() - timedelta(minutes=minutes))
