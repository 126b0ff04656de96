"""A sync that is asked for again reads what changed, wherever that is enough; what changed is never passed over."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from calcom_sync.domain.run import Run, RunKind, RunState
from calcom_sync.domain.window import Window
from calcom_sync.store import rounds
from chassis.postgres import Database
from support.calcom import Host, Life, Malformed
from support.calcom_desk import ORG, CalcomDesk, calcom_desk

INCREMENTAL, RECONCILE, MANUAL = RunKind.INCREMENTAL, RunKind.RECONCILE, RunKind.MANUAL
PAGES, COUNT = 3, 620  # of 250 each
ALL, NEWS = 1 + PAGES, 2  # requests: whose the key is, and the pages


@pytest.fixture
async def desk(alone: Database) -> AsyncIterator[CalcomDesk]:
    async with calcom_desk(alone) as opened:
        yield opened


async def filled(desk: CalcomDesk) -> list[str]:
    """Have so many book, one after another, and a first sync of all."""
    uids = []
    for number in range(COUNT):
        desk.life.advance(minutes=1)
        uids.append(desk.life.create(desk.life.now + timedelta(days=30, hours=number)))
    desk.life.advance(hours=1)
    first = await desk.sync(MANUAL)
    assert (first.fetched, first.progress.requests) == (COUNT, ALL)
    await desk.answer_all()
    return uids


async def again(desk: CalcomDesk) -> Run:
    run = await desk.sync(MANUAL)
    tally = (await desk.runs.get(ORG, run.id)).tally
    assert tally.synced + tally.skipped + tally.failed == tally.fetched
    return run


async def test_the_second_reads_what_changed_alone(desk: CalcomDesk) -> None:
    uids = await filled(desk)
    second = await again(desk)
    assert (await desk.told(), second.progress.requests) == ([], NEWS)
    assert (second.fetched, second.tally.details) == (6, {"unchanged": 6}), "within the overlap"
    desk.life.advance(hours=1)
    desk.life.cancel(uids[0])
    moved = desk.life.reschedule(uids[500], desk.life.now + timedelta(days=400))
    third = await again(desk)
    assert third.progress.requests == NEWS
    told = {event.subject: event.data.resource for event in await desk.told()}
    assert {chain: one.status.value for chain, one in told.items()} == {uids[0]: "CANCELLED", uids[500]: "CONFIRMED"}
    assert told[uids[500]].uid == moved


async def test_what_the_service_reads_by_itself_takes_as_few(desk: CalcomDesk) -> None:
    await filled(desk)
    assert (await desk.sync(INCREMENTAL)).progress.requests == NEWS
    desk.life.advance(hours=1)
    assert (await desk.sync(INCREMENTAL)).progress.requests == NEWS
    assert (await again(desk)).progress.requests == NEWS
    assert await desk.told() == []


async def test_what_is_over_is_read_by_itself(desk: CalcomDesk) -> None:
    came, missed = (desk.life.create(desk.life.now + timedelta(days=1)) for _ in range(2))
    await desk.sync(MANUAL)
    await desk.answer_all()
    desk.life.advance(days=2)
    desk.life.mark_absent(missed)
    run = await again(desk)
    assert await desk.answer_all() == {came: "COMPLETED", missed: "NO_SHOW"}
    assert run.progress.requests == NEWS + 2


async def test_who_names_a_time_has_all_of_it_read(desk: CalcomDesk) -> None:
    await filled(desk)
    for window in (Window(desk.now()), Window(None, desk.now() + timedelta(days=900))):
        run = await desk.runs.ask(ORG, MANUAL, window)
        await desk.work()
        run = await desk.runs.get(ORG, run.id)
        assert (run.fetched, run.progress.requests) == (COUNT, ALL)


async def test_under_other_settings_all_is_read(desk: CalcomDesk) -> None:
    await filled(desk)
    desk.life.advance(hours=1)
    await desk.configure(default_schedule_id="sch_b")
    assert (await again(desk)).progress.requests == ALL
    assert len(await desk.told()) == COUNT
    assert (await again(desk)).progress.requests == NEWS


@pytest.mark.parametrize("enabled", [True, False])
async def test_once_a_day_all_is_read(desk: CalcomDesk, enabled: bool) -> None:
    await desk.configure(enabled=enabled)
    await filled(desk)
    desk.life.advance(hours=23)
    assert (await again(desk)).progress.requests == NEWS
    desk.life.advance(hours=1)
    assert (await again(desk)).progress.requests == ALL


async def test_what_is_far_away_and_no_update_tells_of_is_found(desk: CalcomDesk) -> None:
    """One is deleted, and of one it is marked that nobody comes."""
    deleted, absent, _ = (desk.life.create(desk.life.now + timedelta(days=200)) for _ in range(3))
    await again(desk)
    await desk.answer_all()
    desk.life.delete(deleted)
    desk.life.mark_absent(absent)
    desk.life.advance(days=1)
    run = await again(desk)
    (gone, marked) = sorted(await desk.told(), key=lambda event: event.subject != deleted)
    assert (gone.subject, gone.data.resource.status_reason) == (deleted, "deleted")
    assert (marked.subject, marked.data.change.changed) == (absent, ("attendees",))
    assert run.fetched == 3


async def test_what_cannot_be_read_by_itself_has_all_read_again_when_it_is_due(desk: CalcomDesk) -> None:
    """It differs from what is known, and its update does not say so."""
    uid = desk.life.create(desk.life.now + timedelta(days=200))
    desk.life.advance(minutes=10)
    desk.life.create(desk.life.now + timedelta(days=200))
    await again(desk)
    await desk.answer_all()
    desk.life.mark_absent(uid)
    desk.calcom.defects.forbidden = {uid}
    for hours in (24, 1, 1):
        desk.life.advance(hours=hours)
        assert (await again(desk)).tally.details == {"unreadable": 1, "unchanged": 1}
        assert (await again(desk)).tally.details == {"unchanged": 1}, "within the overlap, as it was just asked for"
    desk.calcom.defects.forbidden = ()
    desk.life.advance(hours=1)
    await again(desk)
    assert [event.subject for event in await desk.told()] == [uid]
    assert (await again(desk)).tally.details == {"unchanged": 1}, "within the overlap"


async def unreadable(desk: CalcomDesk, number: int) -> list[str]:
    """Have some bookings known that are in no list any more, and that the key may not read."""
    uids = [desk.life.create(desk.life.now + timedelta(days=200)) for _ in range(number)]
    desk.life.advance(minutes=10)
    desk.life.create(desk.life.now + timedelta(days=200))
    await again(desk)
    await desk.answer_all()
    for uid in uids:
        desk.life.delete(uid)
    desk.calcom.defects.forbidden = set(uids)
    return uids


async def test_what_stays_unreadable_has_all_read_ever_more_seldom(desk: CalcomDesk) -> None:
    """As a booking of a team that the key's owner has left."""
    await unreadable(desk, 1)
    desk.life.advance(days=1)
    wholes = 0
    for _ in range(48):
        desk.life.advance(minutes=30)
        desk.calcom.asked.clear()
        assert (await again(desk)).error is None
        wholes += any("sortStart" in query for query in desk.calcom.asked)
    assert wholes <= 7, "the first, and one after each pause that is shorter than a day"


async def test_what_was_asked_for_just_now_is_not_asked_for_with_all_the_rest(desk: CalcomDesk) -> None:
    await unreadable(desk, 7)
    for again_in in ({"seconds": 0}, {"seconds": 59}, {"seconds": 1}):
        desk.life.advance(**again_in)
        await desk.configure()
        desk.calcom.requests.clear()
        run = await again(desk)
        asked = sum(number for path, number in desk.calcom.requests.items() if path.startswith("/v2/bookings/"))
        assert asked == run.tally.details.get("unreadable", 0) == (0 if again_in["seconds"] == 59 else 7)


async def test_what_another_account_could_not_read_has_nothing_read_again(desk: CalcomDesk) -> None:
    """Neither what it could not read, nor what booking did not take over of it."""
    await unreadable(desk, 1)
    await desk.configure()
    assert (await again(desk)).tally.details["unreadable"] == 1
    desk.life.create(desk.life.now + timedelta(days=200))
    await again(desk)
    assert len(await desk.answer_all("invalid")) == 1
    other = Host(id=8, name="Otto Other", email="otto@host.example")
    desk.calcom.life = Life(seed=2, now=desk.life.advance(hours=1), owner=other)
    await desk.configure()
    for _ in range(2):
        desk.calcom.asked.clear()
        desk.life.advance(hours=1)
        await again(desk)
    assert {query["sortUpdatedAt"] for query in desk.calcom.asked} == {"asc"}


async def test_what_was_never_known_and_cannot_be_read_has_nothing_read_again(desk: CalcomDesk) -> None:
    uid = desk.life.create(desk.life.now + timedelta(days=200))
    desk.life.advance(hours=1)
    moved = desk.life.reschedule(uid, desk.life.now + timedelta(days=300))
    desk.life.delete(moved)
    desk.calcom.defects.forbidden = {moved}
    desk.life.advance(hours=1)
    desk.life.create(desk.life.now + timedelta(days=200))
    assert (await again(desk)).tally.details == {"superseded": 1, "unreadable": 1}
    await desk.answer_all()
    assert (await again(desk)).progress.requests == NEWS


async def test_what_booking_has_not_taken_over_is_told_again(desk: CalcomDesk) -> None:
    refused = desk.life.create(desk.life.now + timedelta(days=1))
    desk.life.advance(minutes=10)
    desk.life.create(desk.life.now + timedelta(days=2))
    await again(desk)
    for event in await desk.told():
        await desk.answer(event, "invalid" if event.subject == refused else "created")
    for outcome in ("invalid", "created"):
        desk.life.advance(hours=1)
        assert (await again(desk)).fetched == 2
        assert await desk.answer_all(outcome) == {refused: "CONFIRMED"}
    assert (await again(desk)).fetched == 1, "within the overlap"
    assert await desk.told() == []


async def test_one_that_failed_half_way_has_not_read_all(desk: CalcomDesk) -> None:
    for number in range(300):
        desk.life.create(desk.life.now + timedelta(days=30, hours=number))
    await desk.runs.ask(ORG, MANUAL)
    second_page = desk.calcom.halt("/v2/bookings", passing=1)
    work = asyncio.create_task(desk.work())
    await second_page.met()
    desk.calcom.defects.malformed = Malformed.NO_UID
    second_page.let_go()
    (failed,) = await work
    assert (await desk.runs.get(ORG, failed)).state is RunState.FAILED
    desk.calcom.defects.malformed = None
    assert (await again(desk)).fetched == 300


async def test_one_that_read_what_changed_and_is_broken_off_has_not_read_all(desk: CalcomDesk) -> None:
    over = [desk.life.create(desk.life.now + timedelta(hours=1)) for _ in range(27)]
    desk.life.advance(minutes=10)
    desk.life.create(desk.life.now + timedelta(days=200))
    await desk.sync(MANUAL)
    await desk.answer_all()
    async with desk.database.connection() as conn:
        whole = await rounds.whole(conn, ORG)
    desk.life.advance(hours=20)
    run_id = await desk.broken_off(MANUAL, "/v2/bookings/", passing=26)
    assert await desk.work() == [run_id]
    assert await desk.answer_all() == dict.fromkeys(over, "COMPLETED")
    async with desk.database.connection() as conn:
        assert await rounds.whole(conn, ORG) == whole


async def test_one_that_is_broken_off_goes_on_with_what_changed(desk: CalcomDesk) -> None:
    uids = await filled(desk)
    desk.life.advance(hours=1)
    for uid in uids[:300]:
        desk.life.cancel(uid)
    run_id = await desk.broken_off(MANUAL, "/v2/bookings", passing=1)
    desk.calcom.asked.clear()
    assert await desk.work() == [run_id]
    assert {query["sortUpdatedAt"] for query in desk.calcom.asked} == {"asc"}
    assert len(await desk.told()) == 300


async def test_what_changed_before_anything_was_read_by_itself_is_found(desk: CalcomDesk) -> None:
    """It is far away, so no comparison has it."""
    await desk.configure(enabled=False)
    far = desk.life.create(desk.life.now + timedelta(days=200))
    desk.life.advance(minutes=10)
    await desk.sync(MANUAL)
    assert await desk.answer_all() == {far: "CONFIRMED"}
    desk.life.advance(days=3)
    desk.life.cancel(far)
    desk.life.advance(days=3)
    await desk.configure(enabled=True)
    await desk.sync(RECONCILE)
    assert await desk.answer_all() == {far: "CANCELLED"}


async def test_what_changed_since_the_integration_was_set_is_found(desk: CalcomDesk) -> None:
    """Only some of the time was read before."""
    far = desk.life.create(desk.life.now + timedelta(days=200))
    desk.life.advance(minutes=10)
    await desk.runs.ask(ORG, MANUAL, Window(desk.now() + timedelta(days=100)))
    await desk.work()
    assert await desk.answer_all() == {far: "CONFIRMED"}
    desk.life.advance(days=3)
    desk.life.cancel(far)
    desk.life.advance(days=3)
    await desk.sync(RECONCILE)
    assert await desk.answer_all() == {far: "CANCELLED"}


@pytest.mark.parametrize("first", [INCREMENTAL, RECONCILE, MANUAL])
async def test_one_update_in_the_future_hides_no_other(desk: CalcomDesk, first: RunKind) -> None:
    uid, odd = (desk.life.create(desk.life.now + timedelta(days=30)) for _ in range(2))
    desk.life.edit(odd, updated_at=desk.life.now + timedelta(days=365))
    await desk.sync(first)
    await desk.answer_all()
    desk.life.advance(hours=1)
    desk.life.cancel(uid)
    await desk.sync(INCREMENTAL)
    assert await desk.answer_all() == {uid: "CANCELLED"}


async def test_a_mark_that_lies_in_the_future_hides_nothing(desk: CalcomDesk) -> None:
    async with desk.database.connection() as conn:
        await rounds.advance(conn, ORG, desk.now() + timedelta(days=365))
    desk.life.advance(hours=1)
    uid = desk.life.create(desk.life.now + timedelta(days=200))
    await desk.sync(INCREMENTAL)
    assert await desk.answer_all() == {uid: "CONFIRMED"}
