"""Runs: who takes which, and that nobody writes of what another holds."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from calcom_sync.domain.counting import Outcome, Tally
from calcom_sync.domain.run import Progress, Run, RunError, RunKind, RunState
from calcom_sync.domain.window import Window
from calcom_sync.store import runs
from calcom_sync.store.runs import Taken
from chassis.ids import new_id
from chassis.postgres import Database

ORG, OTHER = "org_a", "org_b"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LEASE = timedelta(seconds=30)
ALL = frozenset(RunKind)


def a_run(org_id: str = ORG, **fields: Any) -> Run:
    """A run that waits."""
    given: dict[str, Any] = {
        "id": new_id("run"),
        "org_id": org_id,
        "kind": RunKind.MANUAL,
        "state": RunState.QUEUED,
        "window": Window(NOW, NOW + timedelta(days=1)),
        "progress": Progress(),
        "answered": Tally(),
        "unanswered": 0,
        "error": None,
        "created_at": NOW,
        "started_at": None,
        "ended_at": None,
    }
    return Run(**given | fields)


async def put(db: Database, *some: Run) -> Sequence[Run]:
    async with db.connection() as conn:
        for one in some:
            await runs.insert(conn, one)
    return some


async def take(db: Database, lease: timedelta = LEASE) -> Taken | None:
    async with db.connection() as conn:
        return await runs.take(conn, new_id("tak"), lease, NOW)


async def taken(db: Database, lease: timedelta = LEASE) -> Taken:
    """Take a run, which must be there."""
    found = await take(db, lease)
    assert found is not None
    return found


async def read(db: Database, run: Run) -> Run:
    async with db.connection() as conn:
        found = await runs.fetch(conn, run.org_id, run.id)
    assert found is not None
    return found


async def test_a_key_is_of_one_run_until_that_fails_or_the_key_is_good_no_more(alone: Database) -> None:
    key, fingerprint, since = bytes(32), b"body", NOW - timedelta(days=1)

    async def put_once(run: Run, at: datetime = since) -> runs.Keyed | None:
        async with alone.transaction() as conn:
            return await runs.insert_once(conn, run, key, fingerprint, at)

    some = [a_run(created_at=NOW + timedelta(seconds=second)) for second in range(4)]
    found = await asyncio.gather(*(put_once(run) for run in some))
    (first,) = [run for run, other in zip(some, found, strict=True) if other is None]
    assert set(found) == {None, runs.Keyed(first.id, fingerprint)}
    held = await taken(alone)
    async with alone.connection() as conn:
        await runs.end(conn, held, RunError("calcom_unreachable", "it is away"), NOW)
    second = a_run()
    assert await put_once(second) is None
    assert await put_once(a_run(), NOW - timedelta(seconds=1)) == runs.Keyed(second.id, fingerprint)
    assert await put_once(a_run(), NOW) is None


async def test_a_run_is_read_as_it_was_written(alone: Database) -> None:
    bounded, endless = await put(alone, a_run(), a_run(kind=RunKind.WEBHOOK, window=Window()))
    assert [await read(alone, one) for one in (bounded, endless)] == [bounded, endless]
    async with alone.connection() as conn:
        assert await runs.fetch(conn, OTHER, bounded.id) is None
        assert await runs.page(conn, ORG, None, 10, ALL) == [endless, bounded]
        assert await runs.page(conn, ORG, endless.id, 10, ALL) == [bounded]
        assert await runs.page(conn, ORG, None, 1, ALL) == [endless]
        assert await runs.page(conn, ORG, None, 1, [RunKind.MANUAL]) == [bounded]
        assert await runs.page(conn, OTHER, None, 10, ALL) == []


async def test_the_oldest_is_taken_and_one_of_each_organization(alone: Database) -> None:
    first, _, theirs = await put(
        alone,
        a_run(),
        a_run(created_at=NOW + timedelta(seconds=1)),
        a_run(OTHER, created_at=NOW + timedelta(seconds=2)),
    )
    assert (one := await taken(alone)).run_id == first.id
    assert (await taken(alone)).run_id == theirs.id
    assert await take(alone) is None
    running = await read(alone, first)
    assert (running.state, running.started_at, one.takes) == (RunState.RUNNING, NOW, 1)


async def test_what_was_left_goes_first_as_its_organization_waits_for_it(alone: Database) -> None:
    (left,) = await put(alone, a_run(kind=RunKind.RECONCILE, created_at=NOW + timedelta(hours=1)))
    await taken(alone, timedelta())
    await put(alone, a_run(OTHER), a_run("org_c", kind=RunKind.WEBHOOK))
    async with alone.connection() as conn:
        again = await runs.take(conn, new_id("tak"), LEASE, NOW, [RunKind.MANUAL])
    assert again is not None
    assert (again.run_id, again.kind, again.takes) == (left.id, RunKind.RECONCILE, 2)


async def test_those_that_nobody_waits_for_come_later_but_they_come(alone: Database) -> None:
    def after(org_id: str, kind: RunKind, seconds: int) -> Run:
        return a_run(org_id, kind=kind, created_at=NOW + timedelta(seconds=seconds))

    periodic, other = after("org_a", RunKind.INCREMENTAL, 0), after("org_b", RunKind.RECONCILE, 1)
    younger = [after(f"org_{n}", (RunKind.MANUAL, RunKind.WEBHOOK)[n % 2], 14 * n) for n in range(1, 10)]
    await put(alone, other, *reversed(younger), periodic)
    found = [(await taken(alone)).run_id for _ in range(11)]
    assert found == [one.id for one in (*younger[:4], periodic, other, *younger[4:])]


async def test_only_what_is_wanted_is_begun(alone: Database) -> None:
    _, wanted = await put(alone, a_run(), a_run(OTHER, kind=RunKind.INCREMENTAL))
    async with alone.connection() as conn:
        only = [await runs.take(conn, new_id("tak"), LEASE, NOW, [RunKind.INCREMENTAL]) for _ in range(2)]
    assert [one and one.run_id for one in only] == [wanted.id, None]


async def test_many_at_once_never_hold_two_of_one_organization(alone: Database) -> None:
    await put(alone, *(a_run(org) for org in (ORG, OTHER) for _ in range(5)))
    found = await asyncio.gather(*(take(alone) for _ in range(10)))
    held = [one.org_id for one in found if one is not None]
    assert len(held) == len(set(held)) >= 1


async def test_when_one_ends_the_next_is_taken(alone: Database) -> None:
    first, second = await put(alone, a_run(), a_run(created_at=NOW + timedelta(seconds=1)))
    one = await taken(alone)
    async with alone.connection() as conn:
        assert await runs.end(conn, one, None, NOW)
        assert not await runs.end(conn, one, None, NOW)
    over = await read(alone, first)
    assert (over.state, over.ended_at, over.error) == (RunState.COMPLETED, NOW, None)
    other = await taken(alone)
    assert other.run_id == second.id
    async with alone.connection() as conn:
        await runs.end(conn, other, RunError("calcom_unreachable", "gone"), NOW)
    assert (await read(alone, second)).error == RunError("calcom_unreachable", "gone")
    assert await take(alone) is None


async def test_what_is_not_kept_is_taken_again_and_the_first_writes_no_more(alone: Database) -> None:
    (run,) = await put(alone, a_run())
    gone = await taken(alone, timedelta())
    progress = Progress({"skip": 250}, Tally({Outcome.UNCHANGED: 3}), 2)
    async with alone.connection() as conn:
        assert await runs.save(conn, gone, progress)
    again = await taken(alone)
    assert (again.run_id, again.takes) == (run.id, 2)
    assert (await read(alone, run)).progress == progress
    async with alone.connection() as conn:
        assert not await runs.save(conn, gone, Progress())
        assert not await runs.end(conn, gone, None, NOW)
        await runs.let_go(conn, gone)
        await runs.keep(conn, [gone.holder], timedelta())
    assert await take(alone) is None
    assert (await read(alone, run)).progress == progress


async def test_what_is_kept_is_not_taken_and_what_is_let_go_is_at_once(alone: Database) -> None:
    await put(alone, a_run())
    one = await taken(alone, timedelta(milliseconds=200))
    async with alone.connection() as conn:
        await runs.keep(conn, [one.holder], LEASE)
    await asyncio.sleep(0.3)
    assert await take(alone) is None
    async with alone.connection() as conn:
        await runs.let_go(conn, one)
    assert (await taken(alone)).takes == 1


async def test_what_was_told_is_counted_as_it_is_answered(alone: Database) -> None:
    (run,) = await put(alone, a_run())
    one = await taken(alone)
    async with alone.transaction() as conn:
        await runs.save(conn, one, Progress(tally=Tally({Outcome.UNCHANGED: 2, Outcome.SUPERSEDED: 1})))
        await runs.add_items(conn, run.id, {"u1": "evt_1", "u2": "evt_2", "u3": "evt_3"})
    waiting = await read(alone, run)
    assert (waiting.unanswered, waiting.fetched, waiting.is_settled) == (3, 6, False)
    async with alone.connection() as conn:
        await runs.answer(conn, [("evt_1", Outcome.CREATED), ("evt_2", Outcome.CONFLICT), ("evt_none", Outcome.STALE)])
        await runs.answer(conn, [("evt_1", Outcome.INVALID)])  # the first word stands
        await runs.end(conn, one, None, NOW)
    half = await read(alone, run)
    assert (half.unanswered, half.fetched, half.is_settled) == (1, 6, False)
    async with alone.connection() as conn:
        await runs.answer(conn, [("evt_3", Outcome.CREATED)])
    whole = await read(alone, run)
    assert (whole.is_settled, whole.fetched) == (True, 6)
    assert (whole.tally.synced, whole.tally.skipped, whole.tally.failed) == (3, 3, 0)
    assert whole.tally.details == {"created": 2, "conflict": 1, "unchanged": 2, "superseded": 1}


@pytest.mark.parametrize("state", RunState)
def test_a_run_is_settled_when_it_is_over_and_answered(state: RunState) -> None:
    over = state in {RunState.COMPLETED, RunState.FAILED}
    assert a_run(state=state).is_settled is over
    assert not replace(a_run(state=state), unanswered=1).is_settled
