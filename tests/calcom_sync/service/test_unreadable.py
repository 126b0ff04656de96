"""One booking that Cal.com does not give out by itself is counted as failed, and is in no other's way."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from calcom_sync.domain.run import Run, RunKind, RunState
from calcom_sync.store import webhooks
from chassis.postgres import Database
from support.calcom import Life
from support.calcom_desk import ORG, CalcomDesk, calcom_desk

INCREMENTAL, RECONCILE, WEBHOOK = RunKind.INCREMENTAL, RunKind.RECONCILE, RunKind.WEBHOOK
HOUR = timedelta(hours=1)


@pytest.fixture
async def desk(alone: Database) -> AsyncIterator[CalcomDesk]:
    async with calcom_desk(alone) as opened:
        yield opened


async def known(desk: CalcomDesk, number: int) -> list[str]:
    """Have some bookings of tomorrow known."""
    uids = [desk.life.create(desk.life.now + timedelta(days=1)) for _ in range(number)]
    await desk.sync(RECONCILE)
    await desk.answer_all()
    desk.life.advance(hours=1)
    return uids


def check(run: Run, **details: int) -> None:
    assert (run.state, run.tally.details) == (RunState.COMPLETED, details)
    assert run.tally.synced + run.tally.skipped + run.tally.failed == run.fetched


async def test_the_stages_go_on(desk: CalcomDesk) -> None:
    """Three are over by now: one is refused by itself, and one has become what is no booking."""
    refused, broken, good = await known(desk, 3)
    desk.life.advance(days=2)
    desk.calcom.defects.forbidden = {refused}
    desk.life.edit(broken, status="")
    desk.life.advance(days=1)
    desk.calcom.defects.list_lag = timedelta(days=2)
    run = await desk.sync(INCREMENTAL)
    assert await desk.answer_all("updated") == {good: "COMPLETED"}
    check(await desk.runs.get(ORG, run.id), updated=1, unreadable=2)
    assert (await desk.runs.get(ORG, run.id)).tally.failed == 2


async def test_what_is_over_and_cannot_be_read_is_asked_for_ever_more_seldom(desk: CalcomDesk) -> None:
    refused, broken = await known(desk, 2)
    desk.calcom.defects.forbidden = {refused}
    desk.life.edit(broken, status="odd", updated_at=desk.life.now - timedelta(hours=2))
    desk.life.create(desk.life.now + timedelta(days=60))
    await desk.sync(INCREMENTAL)
    await desk.answer_all()
    desk.life.advance(days=2)
    desk.calcom.requests.clear()
    for _ in range(7 * 24):
        desk.life.advance(hours=1)
        await desk.sync(INCREMENTAL)
    assert 8 <= desk.calcom.requests[f"/v2/bookings/{refused}"] <= 12
    assert desk.calcom.requests[f"/v2/bookings/{broken}"] == desk.calcom.requests[f"/v2/bookings/{refused}"]
    desk.calcom.defects.forbidden = ()
    desk.life.advance(days=1)
    await desk.sync(INCREMENTAL)
    assert await desk.answer_all("updated") == {refused: "COMPLETED"}


async def test_what_is_missing_and_refused_is_not_deleted(desk: CalcomDesk) -> None:
    refused, missing, good = await known(desk, 3)
    desk.calcom.defects.forbidden = {refused}
    desk.life.delete(missing)
    desk.calcom.life.delete(refused)
    run = await desk.sync(RECONCILE)
    assert await desk.answer_all("updated") == {missing: "CANCELLED"}
    check(await desk.runs.get(ORG, run.id), updated=1, unreadable=1, unchanged=1)
    assert good


async def test_what_was_moved_to_what_is_refused_stays_as_it_is(desk: CalcomDesk) -> None:
    """The list is behind with the new row alone, as it is beyond what is near."""
    uid, _ = await known(desk, 2)
    moved = desk.life.reschedule(uid, desk.life.now + timedelta(days=200))
    desk.calcom.defects.forbidden = {moved}
    desk.life.advance(hours=1)
    async with desk.database.connection() as conn:
        await webhooks.mark(conn, ORG, [uid], None, desk.now() - HOUR)
    run = await desk.sync(WEBHOOK)
    assert await desk.told() == []
    check(await desk.runs.get(ORG, run.id), superseded=1, unreadable=1)


async def test_what_it_was_moved_from_need_not_be_read(desk: CalcomDesk) -> None:
    old = desk.life.create(desk.life.now + timedelta(days=1))
    desk.life.advance(hours=1)
    uid = desk.life.reschedule(old, desk.life.now + timedelta(days=2))
    desk.life.advance(hours=1)
    desk.calcom.defects.forbidden = {old}
    async with desk.database.connection() as conn:
        await webhooks.mark(conn, ORG, [uid], None, desk.now() - HOUR)
    await desk.sync(WEBHOOK)
    (event,) = await desk.told()
    assert (event.subject, event.data.resource.uid, event.data.resource.status.value) == (old, uid, "CONFIRMED")


async def test_a_webhook_about_what_is_refused_is_counted_and_looked_after_later(desk: CalcomDesk) -> None:
    good, refused = (desk.life.create(desk.life.now + timedelta(days=1)) for _ in range(2))
    desk.calcom.defects.forbidden = {refused}
    async with desk.database.connection() as conn:
        await webhooks.mark(conn, ORG, [good, refused], None, desk.now() - HOUR)
    run = await desk.sync(WEBHOOK)
    assert await desk.answer_all() == {good: "CONFIRMED"}
    check(await desk.runs.get(ORG, run.id), created=1, unreadable=1)
    async with desk.database.connection() as conn:
        assert await webhooks.count(conn) == 1


async def test_a_link_that_leads_nowhere_stops_nobody(desk: CalcomDesk) -> None:
    uid = desk.life.create(desk.life.now + timedelta(days=1), from_uid="x" * 10_000)
    run = await desk.sync(RECONCILE)
    assert await desk.answer_all() == {uid: "CONFIRMED"}
    check(await desk.runs.get(ORG, run.id), created=1)


async def test_a_key_that_is_refused_still_ends_the_run(desk: CalcomDesk) -> None:
    await known(desk, 1)
    desk.life.advance(days=2)
    desk.calcom.key = "cal_live_another"
    run = await desk.sync(INCREMENTAL)
    assert run.error is not None
    assert run.error.code == "calcom_unauthorized"


@pytest.mark.parametrize("outcome", ["unreadable", "stale"])
async def test_what_a_run_that_was_broken_off_cannot_read_again_is_found_by_the_next(
    desk: CalcomDesk, outcome: str
) -> None:
    """It waited for the end of the list, as it may have been moved; what changed after it is an hour younger each."""
    (uid,) = await known(desk, 1)
    desk.life.request_reschedule(uid)
    others = set()
    for _ in range(4):
        desk.life.advance(hours=1)
        others.add(desk.life.create(desk.life.now + timedelta(days=1)))
    desk.calcom.defects.short_pages = 1
    run_id = await desk.broken_off(INCREMENTAL, "/v2/bookings", passing=5)
    async with desk.database.connection() as conn:
        assert (await conn.fetchval("SELECT position FROM runs WHERE id = $1", run_id))["open"] == [uid]
    if outcome == "unreadable":
        desk.calcom.defects.forbidden = {uid}
    else:
        desk.calcom.defects.read_lag = timedelta(days=1)
    assert await desk.work() == [run_id]
    assert (await desk.answer_all()).keys() == others
    check(await desk.runs.get(ORG, run_id), created=4, **{outcome: 1})
    desk.calcom.defects.forbidden = ()
    desk.calcom.defects.read_lag = timedelta()
    await desk.sync(INCREMENTAL)
    assert await desk.answer_all() == {uid: "CANCELLED"}


@dataclass
class Slow:
    """Bookings that take minutes to be read by themselves."""

    life: Life

    async def pass_by(self, path: str) -> None:
        """Let the time pass that a request takes."""
        if path.startswith("/v2/bookings/"):
            self.life.advance(minutes=2)


async def failures(desk: CalcomDesk, chain_id: str) -> int:
    """How often in a row a chain could not be taken."""
    async with desk.database.connection() as conn:
        found: int = await conn.fetchval("SELECT failures FROM chains WHERE chain_id = $1", chain_id)
        return found


async def test_what_a_run_cannot_read_again_counts_once_however_long_it_takes(desk: CalcomDesk) -> None:
    uid, *over = await known(desk, 7)
    desk.life.create(desk.life.now + timedelta(days=60))
    await desk.sync(INCREMENTAL)
    await desk.answer_all()
    desk.life.advance(days=2)
    desk.life.request_reschedule(uid)
    for _ in range(3):
        desk.life.advance(hours=1)
        desk.life.create(desk.life.now + timedelta(days=60))
    desk.calcom.defects.short_pages = 1
    run_id = await desk.broken_off(INCREMENTAL, "/v2/bookings", passing=5)
    async with desk.database.connection() as conn:
        assert (await conn.fetchval("SELECT position FROM runs WHERE id = $1", run_id))["open"] == [uid]
    desk.calcom.defects.forbidden = {uid}
    desk.calcom.halts.append(Slow(desk.life))
    assert await desk.work() == [run_id]
    assert (await desk.answer_all()).items() >= dict.fromkeys(over, "COMPLETED").items()
    assert await failures(desk, uid) == 1


async def test_a_webhook_about_where_it_was_before_says_nothing_of_where_it_is(desk: CalcomDesk) -> None:
    old = desk.life.create(desk.life.now + timedelta(days=1))
    desk.life.advance(hours=1)
    desk.life.reschedule(old, desk.life.now + timedelta(days=2))
    await known(desk, 1)
    desk.calcom.defects.forbidden = {old}
    async with desk.database.connection() as conn:
        await webhooks.mark(conn, ORG, [old], None, desk.now() - HOUR)
    check(await desk.sync(WEBHOOK), unreadable=1)
    assert await failures(desk, old) == 0


async def test_where_it_was_before_says_nothing_of_where_it_is_refused(desk: CalcomDesk) -> None:
    """The old one is read, and that ends no pause of the present one."""
    old = desk.life.create(desk.life.now + timedelta(days=1))
    desk.life.advance(hours=1)
    moved = desk.life.reschedule(old, desk.life.now + timedelta(days=2))
    await known(desk, 1)
    desk.calcom.defects.forbidden = {moved}
    for uid, expected in ((moved, 1), (old, 1)):
        async with desk.database.connection() as conn:
            await webhooks.mark(conn, ORG, [uid], None, desk.now() - HOUR)
        await desk.sync(WEBHOOK)
        assert await failures(desk, old) == expected
