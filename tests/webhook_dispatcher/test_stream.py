"""The stream of attempts, on a real broker: what it counts, keeps, rebuilds, and disables."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chassis.postgres import Database
from slotwire_contracts import WebhookSubscriptionDisabled, decode
from support.attempts import Counting, a_record, an_attempt, rows
from support.dispatcher import dispatcher, put_deliveries
from support.servers import Servers
from support.topics import fresh_topic, read_topic, settings_of
from support.waiting import eventually
from webhook_dispatcher.domain.subscription import DisabledReason, Subscription
from webhook_dispatcher.service.discarding import Discarding

NOW = datetime(2026, 11, 20, 12, 30, 30, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=30)


@pytest.fixture
async def counting(db: Database, servers: Servers) -> Counting:
    topic = await fresh_topic(servers.kafka_bootstrap, partitions=3)
    return Counting(db, servers.kafka_bootstrap, topic, NOW)


async def subscribed(counting: Counting) -> Subscription:
    return await dispatcher(counting.database).subscribe(
        "https://example.com/hook", created_at=LONG_AGO, updated_at=LONG_AGO, active_since=LONG_AGO
    )


async def counted(counting: Counting, one: Subscription, attempts: int) -> None:
    async def enough() -> bool:
        return (await counting.of(one)).hour.attempts >= attempts

    await eventually(enough, within=60)


async def test_attempts_are_counted_by_the_minute_in_which_they_ended(counting: Counting) -> None:
    one, other = await subscribed(counting), await subscribed(counting)
    ages = [timedelta(seconds=10), timedelta(minutes=3), timedelta(minutes=20), timedelta(minutes=59)]
    async with counting.running():
        await counting.write(
            a_record(one, *[an_attempt(NOW - age, latency_ms=10) for age in ages]),
            a_record(one, an_attempt(NOW - timedelta(hours=3)), an_attempt(NOW - timedelta(minutes=1), 500, 900)),
            a_record(other, an_attempt(NOW - timedelta(minutes=2), None, 30_000)),
        )
        await counted(counting, one, 5)
        await counted(counting, other, 1)
        found, others = await counting.of(one), await counting.of(other)
    assert (found.five_minutes.attempts, found.five_minutes.successes) == (3, 2)
    assert (found.hour.attempts, found.hour.success_rate) == (5, 0.8)
    assert found.hour.percentile(0.5) == pytest.approx(10, rel=0.1)
    assert found.hour.percentile(0.99) == pytest.approx(900, rel=0.1)
    assert found.standing.failing_since is None  # the one that succeeded ten seconds ago ended later
    assert others.standing.failing_since == NOW - timedelta(minutes=2)
    assert others.hour.success_rate == 0.0


async def test_after_a_loss_of_all_state_the_answers_are_the_same(counting: Counting) -> None:
    """What was written to PostgreSQL is lost here too: all of it comes back from the changelogs."""
    one = await subscribed(counting)
    failures = [an_attempt(NOW - timedelta(minutes=minutes), 503, 40) for minutes in (50, 4, 2)]
    async with counting.running():
        await counting.write(a_record(one, an_attempt(NOW - timedelta(minutes=55))), a_record(one, *failures))
        await counted(counting, one, 4)
        before = await rows(counting.database, "endpoint_health"), await rows(counting.database, "endpoint_minutes")
    async with counting.database.connection() as conn:
        await conn.execute("TRUNCATE endpoint_health, endpoint_minutes")
    assert (await counting.of(one)).hour.attempts == 0
    async with counting.running():
        await counted(counting, one, 4)
        after = await rows(counting.database, "endpoint_health"), await rows(counting.database, "endpoint_minutes")
        assert after == before
        await counting.write(a_record(one, an_attempt(NOW)))
        await counted(counting, one, 5)
        found = await counting.of(one)
    assert (found.hour.attempts, found.hour.successes, found.standing.failing_since) == (5, 2, None)


async def test_a_changelog_is_compacted_soon_and_so_is_short_to_read(counting: Counting) -> None:
    """Kafka compacts no segment that is written to, which by itself is one for a week."""
    one = await subscribed(counting)
    async with counting.running():
        await counting.write(a_record(one, an_attempt(NOW)))
        await counted(counting, one, 1)
    for table in ("minutes", "standings"):
        found = await settings_of(counting.bootstrap, f"{counting.topic.name}.health-{table}-changelog")
        assert found["cleanup.policy"] == "compact,delete"
        assert timedelta(milliseconds=int(found["segment.ms"])) <= timedelta(minutes=10)


async def test_what_is_no_record_goes_to_the_dead_letters_and_the_rest_is_counted(counting: Counting) -> None:
    one = await subscribed(counting)
    async with counting.running():
        await counting.write((one.id.encode(), b"no JSON"), a_record(one, an_attempt(NOW)))
        await counted(counting, one, 1)

        async def is_buried() -> bool:
            return len(await read_topic(counting.bootstrap, f"{counting.topic.name}.dlq")) == 1

        await eventually(is_buried, within=10)
        (dead,) = await read_topic(counting.bootstrap, f"{counting.topic.name}.dlq")
    assert (dead.key, dead.value) == (one.id.encode(), b"no JSON")
    assert "JSON" in dict(dead.headers)["slotwire-dead-letter-reason"].decode()


FAILED_FOR = timedelta(days=5)


def days(first: datetime, *, until: datetime) -> list[datetime]:
    """Times from one to another, a day apart, and the last."""
    return [*(first + timedelta(days=n) for n in range((until - first).days)), until]


async def ended(counting: Counting, one: Subscription) -> Subscription:
    """Wait until a subscription is disabled."""

    async def read() -> Subscription:
        async with counting.database.connection() as conn:
            found = await dispatcher(counting.database).store.fetch(conn, one.org_id, one.id)
        assert found is not None
        return found

    async def is_disabled() -> bool:
        return not (await read()).is_active

    await eventually(is_disabled, within=60)
    return await read()


async def told(counting: Counting, one: Subscription) -> list[WebhookSubscriptionDisabled]:
    """What the outbox holds of a subscription."""
    async with counting.database.connection() as conn:
        values = await conn.fetch("SELECT value FROM outbox WHERE key = $1 ORDER BY id", one.id.encode())
    events = [decode(row["value"]) for row in values]
    return [event for event in events if isinstance(event, WebhookSubscriptionDisabled)]


async def test_failing_for_five_days_disables_the_endpoint_once_and_tells_since_when(counting: Counting) -> None:
    """Webhook rules: «Failing for 5 days disables the endpoint.»

    Standard Webhooks: «it is important to both: notify the consumers using other channels (e.g. email), and is
    recommended to disable future delivery to the endpoint»
    """
    one, healthy, hopeful = [await subscribed(counting) for _ in range(3)]
    first = NOW - FAILED_FOR - timedelta(hours=1)
    pending = await put_deliveries(counting.database, one.id, 3, due=NOW + timedelta(days=1))
    failures = [an_attempt(at, 500) for at in days(first, until=NOW)]
    async with counting.running():
        await counting.write(
            a_record(one, an_attempt(first - timedelta(days=1)), *failures[:3]),
            a_record(one, *failures[3:]),
            a_record(healthy, *failures, an_attempt(NOW)),
            a_record(hopeful, *[an_attempt(at, 500) for at in days(NOW - timedelta(days=4, hours=23), until=NOW)]),
        )
        gone = await ended(counting, one)
        await counting.write(a_record(one, an_attempt(NOW, 500)), a_record(hopeful, an_attempt(NOW)))
        await counted(counting, hopeful, 2)
        (event,) = await told(counting, one)
        for other in (healthy, hopeful):
            assert await told(counting, other) == []
    assert gone.disabled_reason is DisabledReason.FAILING
    assert (event.data.change.reason, event.data.change.failing_since) == ("failing", first)
    assert (event.actor, event.sequence, event.data.resource.status) == ("system", 1, "disabled")
    assert counting.woken == [None]
    assert await Discarding(counting.database).finish(one.id, seconds=5)
    async with counting.database.connection() as conn:
        states = await conn.fetch("SELECT state, reason FROM deliveries WHERE id = ANY ($1::text[])", pending)
    assert [tuple(row) for row in states] == [("discarded", "disabled")] * 3


async def test_one_that_leads_elsewhere_by_now_or_was_enabled_again_begins_anew(counting: Counting) -> None:
    moved = await subscribed(counting)
    first = NOW - FAILED_FOR - timedelta(hours=1)
    later = replace(moved, url="https://example.com/other", active_since=NOW - timedelta(days=2))
    async with counting.database.transaction() as conn:
        await dispatcher(counting.database).store.update(conn, moved, later)
    async with counting.running():
        await counting.write(a_record(moved, *[an_attempt(at, 500) for at in days(first, until=NOW)]))
        await counted(counting, moved, 1)
        assert (await counting.of(moved)).standing.failing_since is None
        await counting.write(a_record(later, an_attempt(NOW - timedelta(days=1), 500), an_attempt(NOW, 500)))
        await counted(counting, moved, 2)
        assert (await counting.of(moved)).standing.failing_since == NOW - timedelta(days=1)
        assert await told(counting, moved) == []


async def test_silence_is_no_failure(counting: Counting) -> None:
    """One event that failed through its whole schedule, and nothing since: there is nobody to be spared."""
    one = await subscribed(counting)
    first = NOW - timedelta(days=9)
    async with counting.running():
        attempts = [an_attempt(at, None) for at in days(first, until=first + timedelta(days=3))]
        await counting.write(a_record(one, *attempts), a_record(one, an_attempt(NOW - timedelta(days=4, hours=1), 500)))

        async def is_known() -> bool:
            return (await counting.of(one)).standing.failures == len(attempts) + 1

        await eventually(is_known, within=60)
        assert await told(counting, one) == []


async def test_members_share_the_endpoints_and_take_over_from_each_other(counting: Counting) -> None:
    many = [await subscribed(counting) for _ in range(12)]

    async def all_have(attempts: int) -> None:
        for one in many:
            await counted(counting, one, attempts)
        for one in many:
            assert (await counting.of(one)).hour.attempts == attempts

    async with counting.running():
        await counting.write(*[a_record(one, an_attempt(NOW)) for one in many])
        await all_have(1)
        async with counting.running():
            await counting.write(*[a_record(one, an_attempt(NOW)) for one in many])
            await all_have(2)
        await counting.write(*[a_record(one, an_attempt(NOW)) for one in many])
        await all_have(3)


async def test_it_goes_on_when_the_broker_comes_back(counting: Counting, servers: Servers) -> None:
    one = await subscribed(counting)
    async with counting.running():
        await counting.write(a_record(one, an_attempt(NOW)))
        await counted(counting, one, 1)
        await asyncio.to_thread(servers.kafka.kill)
        await asyncio.to_thread(servers.kafka.start)
        await counting.write(a_record(one, an_attempt(NOW), an_attempt(NOW, 500)))
        await counted(counting, one, 3)
        assert (await counting.of(one)).hour.attempts == 3
