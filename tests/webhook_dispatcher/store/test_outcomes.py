"""What is written of outcomes: nothing that a worker tells whose lease was lost."""

from chassis.clock import utc_now
from chassis.postgres import Database
from support.dispatcher import a_subscription, put_deliveries
from webhook_dispatcher.domain.delivery import Attempt, DeliveryState, Job, Outcome
from webhook_dispatcher.domain.exchange import Answer
from webhook_dispatcher.store import deliveries, outcomes


async def test_an_attempt_under_a_lost_lease_is_not_written_beside_the_holders(db: Database) -> None:
    """A worker that lost its lease and claimed again under a new one has outcomes of both, in one batch."""
    (one,) = await put_deliveries(db, "sub_a", 1, lease="wrk_new")
    for number in (1, 2):
        stale = attempted(Job(one, "sub_a", "wrk_old", number - 1, b""), 500)
        longer = attempted(Job(one, "sub_a", "wrk_old", number, b""), 500)
        held = attempted(Job(one, "sub_a", "wrk_new", number - 1, b""), 503)
        async with db.connection() as conn:
            await outcomes.settle(conn, [stale, longer, held, stale])
            written = await deliveries.attempts(conn, one)
            assert [(each.number, each.status) for each in written] == [(each, 503) for each in range(1, number + 1)]
            await conn.execute("UPDATE deliveries SET leased_by = 'wrk_new'")


def attempted(job: Job, status: int) -> Outcome:
    attempt = Attempt(job.attempts + 1, utc_now(), 1, Answer(status, {}, b""), a_subscription())
    return Outcome(job, DeliveryState.PENDING, attempt=attempt)
