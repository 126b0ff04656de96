"""New rounds: which deliveries are opened again, and that nothing of an older round undoes one."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from chassis.clock import utc_now
from chassis.ids import new_id
from chassis.postgres import Connection, Database
from support.dispatcher import ORG, a_subscription, put_deliveries
from webhook_dispatcher.domain.delivery import Attempt, Birth, DeliveryState, DiscardReason, Job, Outcome
from webhook_dispatcher.domain.exchange import Answer
from webhook_dispatcher.domain.ids import first_delivery_id
from webhook_dispatcher.store import claims, deliveries, outcomes, reopening, workers
from webhook_dispatcher.store.claims import Share
from webhook_dispatcher.store.workers import Held

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FAR = datetime(2100, 1, 1, tzinfo=UTC)


def attempted(job: Job, state: DeliveryState, status: int) -> Outcome:
    exchange = Answer(status, {}, b"")
    return Outcome(job, state, attempt=Attempt(job.attempts + 1, utc_now(), 1, exchange, a_subscription()))


async def claimed(conn: Connection, lease: str, subscription_id: str = "sub_a") -> list[Job]:
    """Claim all that waits for a subscription, as a worker does."""
    lines = [line for line in await claims.waiting(conn) if line.subscription_id == subscription_id]
    shares = [Share(one.subscription_id, one.retrying, 100, one.day) for one in lines]
    found = await claims.claim(conn, lease, shares, utc_now())
    return [Job(one.id, one.subscription_id, lease, one.attempts, b"", one.round, one.earlier) for one in found]


def again(delivery_ids: Sequence[str]) -> list[Birth]:
    """What a replay would send, for deliveries that are there."""
    return [Birth(one, new_id("evt"), "sub_a", ORG, "reservation.confirmed") for one in delivery_ids]


async def row(conn: Connection, delivery_id: str) -> tuple[object, ...]:
    found = await conn.fetchrow(
        "SELECT state, round, attempts, earlier_attempts, leased_by FROM deliveries WHERE id = $1", delivery_id
    )
    assert found is not None
    return tuple(found)


async def test_an_outcome_that_is_written_again_does_not_undo_the_new_round(db: Database) -> None:
    """The answer to its COMMIT was lost, and the same worker holds the new round by the time it tries again."""
    (one,) = await put_deliveries(db, "sub_a", 1)
    async with db.connection() as conn:
        (job,) = await claimed(conn, "wrk_1")
        last = attempted(job, DeliveryState.EXHAUSTED, 500)
        await outcomes.settle(conn, [last])
        assert await reopening.resend(conn, one, utc_now())
        (again,) = await claimed(conn, "wrk_1")
        assert (again.round, again.attempts, again.earlier) == (1, 1, 1)
        await outcomes.settle(conn, [last])
        assert await row(conn, one) == ("pending", 1, 1, 1, "wrk_1")
        await outcomes.settle(conn, [attempted(again, DeliveryState.DELIVERED, 204)])
        assert await row(conn, one) == ("delivered", 1, 2, 1, None)
        assert [attempt.number for attempt in await deliveries.attempts(conn, one)] == [1, 2]


async def test_a_discard_that_is_written_again_does_not_undo_the_new_round(db: Database) -> None:
    (one,) = await put_deliveries(db, "sub_a", 1)
    async with db.connection() as conn:
        (job,) = await claimed(conn, "wrk_1")
        discarded = Outcome(job, DeliveryState.DISCARDED, DiscardReason.DISABLED)
        await outcomes.settle(conn, [discarded])
        assert await reopening.resend(conn, one, utc_now())
        (again,) = await claimed(conn, "wrk_1")
        await outcomes.settle(conn, [discarded])
        assert await row(conn, one) == ("pending", 1, 0, 0, "wrk_1")
        await workers.let_go(conn, [Held(one, "wrk_1", 0, 0)])
        assert await row(conn, one) == ("pending", 1, 0, 0, "wrk_1")
        await workers.let_go(conn, [Held(one, "wrk_1", 0, again.round)])
        assert await row(conn, one) == ("pending", 1, 0, 0, None)


async def test_an_attempt_that_is_written_again_does_not_undo_the_next_one(db: Database) -> None:
    (one,) = await put_deliveries(db, "sub_a", 1)
    async with db.connection() as conn:
        (job,) = await claimed(conn, "wrk_1")
        failed = attempted(job, DeliveryState.PENDING, 500)
        await outcomes.settle(conn, [failed])
        await claimed(conn, "wrk_1")
        await outcomes.settle(conn, [failed])
        assert await row(conn, one) == ("pending", 0, 1, 0, "wrk_1")


async def test_what_a_worker_holds_is_not_opened(db: Database) -> None:
    held = await put_deliveries(db, "sub_a", 2, lease="wrk_1")
    async with db.connection() as conn:
        assert not await reopening.resend(conn, held[0], utc_now())
        assert (await reopening.send_again(conn, again(held), utc_now())).reopened == 0
        assert await row(conn, held[0]) == ("pending", 0, 0, 0, "wrk_1")


async def test_one_whose_event_is_gone_is_not_opened(db: Database) -> None:
    (one,) = await put_deliveries(db, "sub_a", 1)
    async with db.connection() as conn:
        await conn.execute("UPDATE deliveries SET state = 'exhausted', settled_at = now()")
        await conn.execute("DELETE FROM events")
        assert not await reopening.resend(conn, one, utc_now())
        assert (await reopening.send_again(conn, again([one]), utc_now())).reopened == 0
        assert (await row(conn, one))[0] == "exhausted"


async def test_only_what_failed_in_the_range_is_recovered(db: Database) -> None:
    ids = sorted(await put_deliveries(db, "sub_a", 6))
    (other,) = await put_deliveries(db, "sub_b", 1)
    now = utc_now()
    states = [
        ("delivered", None, now),
        ("exhausted", None, now),
        ("exhausted", None, now - timedelta(hours=2)),
        ("discarded", "disabled", now),
        ("discarded", "deleted", now),
    ]
    async with db.connection() as conn:
        for one, (state, reason, settled_at) in zip([*ids[:5], other], [*states, states[1]], strict=True):
            await conn.execute(
                "UPDATE deliveries SET state = $2, reason = $3, settled_at = $4 WHERE id = $1",
                one,
                state,
                reason,
                settled_at,
            )
        since = now - timedelta(hours=1)
        assert await reopening.count_failed(conn, "sub_a", since, FAR, at_most=10) == 2
        assert await reopening.count_failed(conn, "sub_a", None, None, at_most=10) == 3
        assert await reopening.count_failed(conn, "sub_a", None, None, at_most=1) == 1
        done = await reopening.recover(conn, "sub_a", "", since, FAR, at_most=10, now=now)
        assert (done.last, done.looked_at, done.reopened) == (ids[4], 4, 2)
        found = await conn.fetch("SELECT id FROM deliveries WHERE round = 1 ORDER BY id")
    assert [each["id"] for each in found] == [ids[1], ids[3]]


async def test_a_step_of_a_recovery_reads_what_failed_and_nothing_else(db: Database) -> None:
    """However many were delivered between, and however many failed before: the index holds those that ended badly."""
    ids = sorted(await put_deliveries(db, "sub_a", 3_000))
    async with db.transaction() as conn:
        await conn.execute("UPDATE deliveries SET state = 'delivered', settled_at = now()")
        failed = [ids[number] for number in range(0, 3_000, 30)]
        await conn.execute("UPDATE deliveries SET state = 'exhausted' WHERE id = ANY ($1)", failed)
        await conn.execute("ANALYZE deliveries")
    async with db.transaction() as conn:
        before = await read(conn)
        done = await reopening.recover(conn, "sub_a", failed[9], LONG_AGO, FAR, at_most=20, now=utc_now())
        assert (done.last, done.reopened) == (failed[29], 20)
        assert await read(conn) - before <= 100
        none = await reopening.recover(conn, "sub_a", first_delivery_id(FAR), LONG_AGO, FAR, at_most=20, now=utc_now())
        assert none.last is None


async def read(conn: Connection) -> int:
    """How many rows of deliveries this transaction has read, its days together."""
    rows: int = await conn.fetchval(
        "SELECT sum(idx_tup_fetch + seq_tup_read) FROM pg_stat_xact_user_tables WHERE relname LIKE 'deliveries%'"
    )
    return rows
