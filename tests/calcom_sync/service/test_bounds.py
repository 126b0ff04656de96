"""What Cal.com answers without end stands in nobody's way: the run is over, and says so."""

import time
from datetime import timedelta

import pytest

from calcom_sync.domain.run import Bounds, RunKind, RunState
from calcom_sync.store import webhooks
from chassis.postgres import Database
from support.calcom_desk import ORG, CalcomDesk, calcom_desk

INCREMENTAL, MANUAL, WEBHOOK = RunKind.INCREMENTAL, RunKind.MANUAL, RunKind.WEBHOOK
FEW = Bounds(requests=12, links=4)


def book(desk: CalcomDesk, times: int) -> list[str]:
    """Book so many hours of the days to come."""
    return [desk.life.create(desk.now() + timedelta(days=day)) for day in range(1, times + 1)]


async def mark(desk: CalcomDesk, *uids: str) -> None:
    """Have webhooks tell of bookings, so long ago that no replica can be behind them."""
    async with desk.database.connection() as conn:
        await webhooks.mark(conn, ORG, uids, None, desk.now() - timedelta(hours=1))


async def test_a_list_that_is_one_page_again_and_again_is_read_once(alone: Database) -> None:
    async with calcom_desk(alone, bounds=FEW, stuck=True, short_pages=3) as desk:
        first = book(desk, 7)[:3]
        run = await desk.sync(MANUAL)
        assert (run.state, run.fetched, run.progress.requests) == (RunState.COMPLETED, 3, 4)
        assert (await desk.answer_all()).keys() == set(first)


async def test_a_list_that_ignores_where_a_page_begins_is_read_whole(alone: Database) -> None:
    async with calcom_desk(alone, ignores_after_start=True, short_pages=3) as desk:
        booked = book(desk, 20)
        run = await desk.sync(MANUAL)
        assert (run.state, run.fetched) == (RunState.COMPLETED, 20)
        assert (await desk.answer_all()).keys() == set(booked)


async def test_a_list_without_end_ends_with_its_run(alone: Database) -> None:
    async with calcom_desk(alone, bounds=FEW, endless_list=True, short_pages=3) as desk:
        book(desk, 3)
        run = await desk.sync(MANUAL)
        assert (run.state, run.error and run.error.code) == (RunState.FAILED, "calcom_endless")
        assert desk.calcom.count == FEW.requests
        desk.calcom.defects.endless_list = False
        assert (await desk.sync(INCREMENTAL)).state is RunState.COMPLETED
        desk.life.advance(minutes=10)
        gone = [await desk.sync(MANUAL) for _ in range(7)]
        assert {run.error.code for run in gone if run.error is not None} == {"calcom_endless"}, "some more each time"
        assert gone[-1].state is RunState.COMPLETED


async def test_a_run_has_its_time(alone: Database) -> None:
    async with calcom_desk(alone, bounds=Bounds(time=timedelta(seconds=1)), endless_list=True, delay=0.1) as desk:
        desk.calcom.defects.short_pages = 3
        book(desk, 3)
        started = time.monotonic()
        run = await desk.sync(MANUAL)
        assert time.monotonic() - started < 5
        assert run.error is not None
        assert (run.error.code, run.error.message.partition("within ")[2]) == (
            "calcom_endless",
            "the time that a sync may take",
        )


@pytest.mark.parametrize(("links", "told"), [(FEW.links, True), (FEW.links + 1, False)])
async def test_so_many_reschedules_are_followed_and_no_more(alone: Database, links: int, *, told: bool) -> None:
    async with calcom_desk(alone, bounds=FEW) as desk:
        (first,) = book(desk, 1)
        last = first
        for _ in range(links):
            desk.life.advance(minutes=10)
            last = desk.life.reschedule(last, desk.now() + timedelta(days=2))
        desk.life.advance(minutes=10)
        await mark(desk, first)
        run = await desk.sync(WEBHOOK)
        events = await desk.told()
        assert [event.data.resource.uid for event in events] == ([last] if told else [])
        assert run.error is None if told else run.error is not None and run.error.code == "calcom_endless"


async def test_a_chain_without_end_is_in_nobodys_way(alone: Database) -> None:
    async with calcom_desk(alone, bounds=Bounds(links=4)) as desk:
        endless, *others = book(desk, 4)
        desk.calcom.defects.endless_chain = endless
        await mark(desk, endless, *others)
        run = await desk.sync(WEBHOOK)
        assert run.error is not None
        assert run.error.code == "calcom_endless"
        assert (await desk.answer_all()).keys() == set(others)
