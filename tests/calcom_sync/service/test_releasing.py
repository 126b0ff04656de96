"""Whose integration is deleted has bookings that can be moved here, as nobody tells of them any more."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from calcom_sync.domain.run import RunKind
from calcom_sync.service import releasing
from calcom_sync.service.integrations import Integrations, Wanted
from calcom_sync.service.releasing import Releasing
from calcom_sync.service.telling import Telling
from chassis.outbound import Guard
from chassis.postgres import Database
from chassis.unit import UnitOfWork
from slotwire_contracts import CalcomBookingObserved
from support.calcom_desk import IDS, ORG, STORE, CalcomDesk, calcom_desk
from support.dispatcher import LOOPBACK


@pytest.fixture
async def desk(alone: Database) -> AsyncIterator[CalcomDesk]:
    async with calcom_desk(alone) as opened:
        yield opened


@pytest.fixture
async def integrations(desk: CalcomDesk) -> AsyncIterator[Integrations]:
    guard = Guard(LOOPBACK)
    yield Integrations(desk.database, STORE, guard, clock=desk.now, make_secret=lambda: "secret", allow_http=True)
    await guard.close()


async def read(desk: CalcomDesk, times: int = 1) -> set[str]:
    """Have so many bookings read, near and far; answers their uids."""
    uids = {desk.life.create(desk.now() + timedelta(days=100 * day)) for day in range(1, times + 1)}
    await desk.sync(RunKind.MANUAL)
    assert (await desk.answer_all()).keys() == uids
    return uids


async def released(desk: CalcomDesk) -> list[CalcomBookingObserved]:
    """Have released what is to be; answers what was told."""
    units = UnitOfWork(desk.database, lambda: None)
    one = Releasing(units, Telling(desk.now, IDS))
    while await one.step():
        pass
    return await desk.told()


async def test_all_of_its_bookings_are_told_to_be_changeable(
    desk: CalcomDesk, integrations: Integrations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(releasing, "AT_ONCE", 3)
    uids = await read(desk, 7)
    assert await released(desk) == []
    await integrations.delete(ORG)
    told = await released(desk)
    assert sorted(event.subject for event in told) == sorted(uids)
    assert {(event.sequence, event.data.change.changed) for event in told} == {(2, ("times_editable",))}
    assert all(event.data.resource.times_editable for event in told)
    assert await released(desk) == []


async def test_those_that_could_be_changed_before_are_not_told_of(desk: CalcomDesk, integrations: Integrations) -> None:
    await desk.configure(times_editable=True)
    await read(desk)
    await integrations.delete(ORG)
    assert await released(desk) == []


async def test_a_run_that_is_under_way_has_the_word_before(desk: CalcomDesk, integrations: Integrations) -> None:
    await read(desk)
    run = await desk.runs.ask(ORG, RunKind.MANUAL)
    async with desk.database.connection() as conn:
        await conn.execute(
            "UPDATE runs SET state = 'running', held_by = 'tak_1', held_until = now() WHERE id = $1", run.id
        )
    await integrations.delete(ORG)
    assert await released(desk) == []
    assert await desk.work() == [run.id]
    assert len(await released(desk)) == 1


async def test_what_booking_has_no_use_for_is_still_told_again_under_other_settings(
    desk: CalcomDesk, integrations: Integrations
) -> None:
    """It is far away, so no comparison has it."""
    far = desk.life.create(desk.now() + timedelta(days=200))
    await desk.sync(RunKind.MANUAL)
    (event,) = await desk.told()
    await integrations.delete(ORG)
    assert await released(desk) == [], "booking may yet take it"
    await desk.answer(event, "invalid")
    assert len(await released(desk)) == 1
    desk.life.advance(hours=1)
    await desk.configure(times_editable=True)
    await desk.sync(RunKind.RECONCILE)
    assert await desk.answer_all() == {far: "CONFIRMED"}
    await desk.sync(RunKind.RECONCILE)
    assert await desk.told() == []


async def test_who_sets_it_again_has_nothing_more_released(desk: CalcomDesk, integrations: Integrations) -> None:
    await read(desk)
    await integrations.delete(ORG)
    await integrations.put(ORG, Wanted(desk.terms, desk.calcom.key, new_secret=False))
    assert await released(desk) == []
