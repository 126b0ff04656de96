"""Outcomes in memory: how many, and how large they may be while the database is away."""

from chassis.clock import utc_now
from chassis.postgres import Database
from chassis.unit import UnitOfWork
from support.dispatcher import a_subscription, put_deliveries
from webhook_dispatcher.domain.delivery import Attempt, DeliveryState, Job, Outcome
from webhook_dispatcher.domain.exchange import Answer
from webhook_dispatcher.worker.outcomes import OutcomeWriter

MIB = 1024 * 1024


def an_outcome(delivery_id: str, tail: int, body: int) -> Outcome:
    job = Job(delivery_id, "sub_a", "wrk_1", 0, bytes(tail))
    answer = Answer(204, {"x-text": "x" * 1_000}, bytes(body))
    return Outcome(job, DeliveryState.DELIVERED, attempt=Attempt(1, utc_now(), 1, answer, a_subscription()))


async def test_large_outcomes_hold_attempts_back_as_many_do_until_they_are_written(db: Database) -> None:
    """The bodies that were sent are in memory until then, and so is what was answered."""
    ids = await put_deliveries(db, "sub_a", 64, lease="wrk_1")
    for tail, body in ((MIB, 0), (0, MIB)):
        writer = OutcomeWriter(UnitOfWork(db, lambda: None), db, utc_now, lambda _: None)
        for each in ids[:31]:
            writer.put(an_outcome(each, tail, body))
        assert not writer.is_full
        writer.put(an_outcome(ids[31], tail, body))
        assert writer.is_full
        await writer.flush()
        assert not writer.is_full
        del ids[:32]
