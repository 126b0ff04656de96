"""What periodic runs find, stage by stage, and when what is owed is told again."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from calcom_sync.domain.run import RunKind, RunState
from calcom_sync.store import chains, rounds, webhooks
from chassis.postgres import Database
from support.calcom import Attendee, Host, Life, standin
from support.calcom_desk import ORG, CalcomDesk, calcom_desk

INCREMENTAL, RECONCILE, MANUAL, WEBHOOK = RunKind.INCREMENTAL, RunKind.RECONCILE, RunKind.MANUAL, RunKind.WEBHOOK
HOUR = timedelta(hours=1)


@pytest.fixture
async def desk(alone: Database) -> AsyncIterator[CalcomDesk]:
    async with calcom_desk(alone) as opened:
        yield opened


def tomorrow(life: Life) -> str:
    """Book for tomorrow."""
    return life.create(life.now + timedelta(days=1))


async def later(desk: CalcomDesk) -> None:
    """Let what was written so far be older than what is read again for safety's sake."""
    desk.life.advance(minutes=10)
    desk.life.create(desk.life.now + timedelta(days=60))
    await desk.sync(INCREMENTAL)
    await desk.answer_all()


async def test_what_changed_is_read_from_where_the_last_one_ended(desk: CalcomDesk) -> None:
    life = desk.life
    old = tomorrow(life)
    await desk.sync(RECONCILE)
    assert await desk.answer_all() == {old: "CONFIRMED"}
    life.advance(hours=1)
    new = tomorrow(life)
    life.cancel(old)
    life.advance(hours=1)
    desk.calcom.asked.clear()
    first = await desk.sync(INCREMENTAL)
    assert await desk.answer_all() == {old: "CANCELLED", new: "CONFIRMED"}
    assert first.progress.requests == 2
    again = await desk.sync(INCREMENTAL)
    assert again.tally.details == {"unchanged": 2}, "within the overlap"
    async with desk.database.connection() as conn:
        assert await rounds.watermark(conn, ORG) == life.now - HOUR
    assert [query["sortUpdatedAt"] for query in desk.calcom.asked] == ["asc", "asc"]


async def test_a_watermark_does_not_move_while_a_run_fails(desk: CalcomDesk) -> None:
    await desk.sync(RECONCILE)
    async with desk.database.connection() as conn:
        before = await rounds.watermark(conn, ORG)
    desk.life.advance(hours=1)
    uid = tomorrow(desk.life)
    desk.calcom.key = "cal_live_another"
    failed = await desk.sync(INCREMENTAL)
    assert (failed.state, failed.error and failed.error.code) == (RunState.FAILED, "calcom_unauthorized")
    async with desk.database.connection() as conn:
        assert await rounds.watermark(conn, ORG) == before
    await desk.configure()
    await desk.sync(INCREMENTAL)
    assert await desk.answer_all() == {uid: "CONFIRMED"}


async def test_what_is_over_is_read_again_and_not_aged_blindly(desk: CalcomDesk) -> None:
    life = desk.life
    came, missed, gone = (tomorrow(life) for _ in range(3))
    await desk.sync(RECONCILE)
    await later(desk)
    life.advance(days=1, minutes=21)
    life.mark_absent(missed)
    life.delete(gone)
    await desk.sync(INCREMENTAL)
    assert await desk.answer_all() == {}, "the host may still mark who did not come"
    life.advance(minutes=14)
    run = await desk.sync(INCREMENTAL)
    assert await desk.answer_all() == {came: "COMPLETED", missed: "NO_SHOW", gone: "CANCELLED"}
    assert run.progress.requests == 5
    after = await desk.sync(INCREMENTAL)
    assert (await desk.told(), after.progress.requests) == ([], 2)


async def test_what_is_over_is_read_by_itself_where_a_list_lags(desk: CalcomDesk) -> None:
    life = desk.life
    uid = tomorrow(life)
    await desk.sync(RECONCILE)
    await desk.answer_all()
    life.advance(days=1, minutes=44)
    desk.calcom.defects.list_lag = timedelta(minutes=4)
    life.mark_absent(uid)
    life.advance(minutes=1)
    await desk.sync(RECONCILE)
    assert await desk.answer_all() == {uid: "NO_SHOW"}


async def test_a_comparison_finds_what_no_update_tells_of(desk: CalcomDesk) -> None:
    life = desk.life
    marked, deleted, _ = (tomorrow(life) for _ in range(3))
    far = life.create(life.now + timedelta(days=200))
    await desk.sync(RECONCILE)
    await desk.sync(MANUAL)
    await desk.answer_all()
    life.advance(days=2)
    await later(desk)
    life.mark_absent(marked)
    life.delete(deleted)
    life.advance(hours=1)
    await desk.sync(INCREMENTAL)
    assert await desk.answer_all() == {}
    run = await desk.sync(RECONCILE)
    assert await desk.answer_all() == {marked: "NO_SHOW", deleted: "CANCELLED"}
    assert (run.tally.details, run.fetched) == ({"unchanged": 2}, 4)
    again = await desk.sync(RECONCILE)
    assert (await desk.told(), again.tally.details) == ([], {"unchanged": 3}), "of what is gone nobody asks again"
    life.delete(far)
    await desk.sync(RECONCILE)
    assert await desk.told() == [], "what is far away is not compared"


async def test_a_uid_that_is_not_found_is_not_gone_while_it_may_be_on_its_way(desk: CalcomDesk) -> None:
    life = desk.life
    uid = tomorrow(life)
    await desk.sync(RECONCILE)
    await desk.answer_all()
    life.delete(uid)
    life.advance(minutes=4)
    run = await desk.sync(RECONCILE)
    assert (await desk.told(), run.tally.details) == ([], {"stale": 1})
    life.advance(minutes=1)
    await desk.sync(RECONCILE)
    assert await desk.answer_all() == {uid: "CANCELLED"}


async def test_a_reschedule_that_tells_not_whither_is_no_cancellation(desk: CalcomDesk) -> None:
    """The successor has no time of its update, so only the list of what is near has it."""
    life = desk.life
    desk.calcom.defects.null_successor = True
    first = tomorrow(life)
    while life.last_row(first).id % 7 != 6:
        life.advance(minutes=1)
        first = tomorrow(life)
    desk.calcom.defects.nulls = True
    await desk.sync(RECONCILE)
    await desk.answer_all()
    life.advance(hours=1)
    second = life.reschedule(first, life.now + timedelta(days=3))
    await desk.sync(RECONCILE)
    (event,) = await desk.told()
    assert (event.subject, event.data.resource.uid, event.data.resource.status.value) == (first, second, "CONFIRMED")


async def test_what_booking_refused_is_told_again_after_the_settings_changed(desk: CalcomDesk) -> None:
    life = desk.life
    near, far = tomorrow(life), life.create(life.now + timedelta(days=200))
    await desk.sync(MANUAL)
    assert (await desk.answer_all("invalid")).keys() == {near, far}
    life.advance(hours=1)
    await desk.sync(INCREMENTAL)
    assert await desk.told() == [], "nothing has changed there or here"
    await desk.configure()
    assert await desk.periodic.ask() == 1
    await desk.work()
    told = await desk.told()
    assert sorted((event.subject, event.sequence, event.data.change.changed) for event in told) == sorted(
        (uid, 2, ()) for uid in (near, far)
    )
    for event in told:
        await desk.answer(event, "created")
    await desk.sync(RECONCILE)
    await desk.sync(MANUAL)
    assert await desk.told() == []


async def test_what_is_mapped_elsewhere_is_told_with_its_new_place(desk: CalcomDesk) -> None:
    life = desk.life
    uid = tomorrow(life)
    await desk.sync(RECONCILE)
    await desk.answer_all()
    life.advance(hours=1)
    await desk.configure(default_schedule_id="sch_b")
    await desk.periodic.ask()
    await desk.work()
    (event,) = await desk.told()
    assert (event.subject, event.sequence, event.data.change.changed) == (uid, 2, ("schedule_id",))


async def test_what_booking_refuses_for_good_is_told_again_by_those_who_compare_all_alone(desk: CalcomDesk) -> None:
    uid = tomorrow(desk.life)
    for sequence, kind in ((1, RECONCILE), (2, MANUAL), (3, RECONCILE)):
        run = await desk.sync(kind)
        (event,) = await desk.told()
        assert (event.subject, event.sequence) == (uid, sequence)
        await desk.answer(event, "invalid")
        assert (await desk.runs.get(ORG, run.id)).tally.details == {"invalid": 1}
    run = await desk.sync(INCREMENTAL)
    assert (await desk.told(), run.tally.details) == ([], {"unchanged": 1})


async def test_answers_that_do_not_come_count_as_failed_and_are_told_again(desk: CalcomDesk) -> None:
    life = desk.life
    answered, lost = tomorrow(life), tomorrow(life)
    run = await desk.sync(RECONCILE)
    for event in await desk.told():
        if event.subject == answered:
            await desk.answer(event, "created")
        else:
            late = event
    life.advance(minutes=14)
    assert await desk.periodic.give_up() == 0
    life.advance(minutes=1)
    assert await desk.periodic.give_up() == 1
    assert await desk.periodic.give_up() == 0
    told = await desk.runs.get(ORG, run.id)
    assert (told.is_settled, told.tally.details) == (True, {"created": 1, "no_answer": 1})
    assert (told.tally.synced, told.tally.skipped, told.tally.failed, told.fetched) == (1, 0, 1, 2)
    await desk.answer(late, "created")
    assert (await desk.runs.get(ORG, run.id)).tally.failed == 1, "what is over stays as it is"
    await desk.sync(RECONCILE)
    assert await desk.answer_all() == {lost: "CONFIRMED"}


async def test_somebody_who_may_only_attend_is_left_out_of_all_runs(desk: CalcomDesk) -> None:
    life = desk.life
    host = Host(id=9, name="Other", email="other@host.example")
    me = Attendee("Hanna Host", life.owner.email)
    life.create(life.now + timedelta(days=1), me, host=host)
    for kind in (RECONCILE, INCREMENTAL):
        assert (await desk.sync(kind)).tally.details == {"attendee_only": 1}
    assert await desk.told() == []


OTHER = Host(id=8, name="Otto Other", email="otto@host.example")


async def read_of(desk: CalcomDesk, life: Life) -> None:
    """Set the integration with the key of the one whose life it is."""
    desk.calcom.life = life
    await desk.configure()


async def mark(desk: CalcomDesk, uid: str) -> None:
    """Have a webhook tell of a booking, so long ago that no replica can be behind it."""
    async with desk.database.connection() as conn:
        await webhooks.mark(conn, ORG, [uid], None, desk.now() - HOUR)


async def test_what_another_account_does_not_have_is_not_deleted(desk: CalcomDesk) -> None:
    """Neither where it is missing, nor where it is over, nor where a webhook tells of it."""
    uid = tomorrow(desk.life)
    await desk.sync(RECONCILE)
    assert await desk.answer_all() == {uid: "CONFIRMED"}
    desk.life.advance(hours=1)
    await read_of(desk, Life(seed=2, now=desk.now(), owner=OTHER))
    theirs = tomorrow(desk.life)
    await desk.sync(RECONCILE)
    assert await desk.answer_all() == {theirs: "CONFIRMED"}
    await mark(desk, uid)
    heard = await desk.sync(WEBHOOK)
    assert (await desk.told(), heard.tally.details) == ([], {"other_account": 1})
    desk.life.advance(days=2)
    run = await desk.sync(INCREMENTAL)
    assert await desk.answer_all() == {theirs: "COMPLETED"}
    assert run.progress.requests == 3, "of what is another account's nobody asks"


async def test_an_account_that_comes_back_has_its_bookings_again(desk: CalcomDesk) -> None:
    kept, deleted = tomorrow(desk.life), tomorrow(desk.life)
    await desk.sync(RECONCILE)
    await desk.answer_all()
    desk.life.advance(hours=1)
    before = desk.life
    await read_of(desk, Life(seed=2, now=desk.now(), owner=OTHER))
    await desk.sync(RECONCILE)
    before.delete(deleted)
    before.advance(hours=1)
    await read_of(desk, before)
    await desk.sync(RECONCILE)
    assert await desk.answer_all() == {deleted: "CANCELLED"}
    async with desk.database.connection() as conn:
        assert len({one.account for one in (await chains.fetch(conn, ORG, [kept, deleted])).values()}) == 1


async def test_the_same_id_at_another_address_is_another_account(desk: CalcomDesk) -> None:
    uid = tomorrow(desk.life)
    await desk.sync(RECONCILE)
    assert await desk.answer_all() == {uid: "CONFIRMED"}
    async with standin(Life(seed=2, now=desk.life.advance(hours=1))) as moved:
        desk.calcom = moved
        await desk.configure(base_url=moved.url)
        await desk.sync(RECONCILE)
        assert await desk.told() == []


async def test_what_the_new_account_has_too_is_its_own(desk: CalcomDesk) -> None:
    """As where a team's booking is seen by several, or a Cal.com has moved to another address."""
    uid = tomorrow(desk.life)
    await desk.sync(RECONCILE)
    await desk.answer_all()
    desk.life.advance(hours=1)
    desk.life.owner = OTHER
    await desk.configure()
    await desk.sync(RECONCILE)
    desk.life.delete(uid)
    desk.life.advance(hours=1)
    await desk.sync(RECONCILE)
    assert await desk.answer_all() == {uid: "CANCELLED"}
