"""The relay beside a bare producer: records from a full outbox to acknowledged and deleted.

Both send the same records to a topic of 12 partitions; the outbox is filled by one commit.
"""

from bench import child
from bench.programs import bare_producer, relay_alone
from bench.rounds import Comparison, Round
from bench.stack import Stack
from chassis.kafka import ensure_topics
from chassis.migrations import migrate
from slotwire_contracts import Topic

_DATABASE = "bench_relay"
_TOPIC = Topic("bench.relay", 12, 1, "a resource's id", "the benchmark")
_POOL = 10  # a service's default


async def measure(stack: Stack) -> Comparison:
    """Let the relay and the producer take turns."""
    await migrate(stack.servers.postgres_url, _DATABASE, ["chassis"])
    await ensure_topics(stack.servers.kafka_bootstrap, [_TOPIC])
    await _producer(stack)  # warms the broker up
    return Comparison(tuple([Round(await _relay(stack), await _producer(stack)) for _ in range(stack.plan.rounds)]))


async def _relay(stack: Stack) -> float:
    await stack.value(_DATABASE, "TRUNCATE outbox")
    await stack.tidy(_DATABASE)
    plan = stack.plan
    spec = relay_alone.Spec(
        url=stack.url_of(_DATABASE),
        bootstrap=stack.servers.kafka_bootstrap,
        topic=_TOPIC.name,
        count=plan.relay_events,
        value_bytes=plan.relay_bytes,
        pool_size=_POOL,
    )
    result = await child.measured("bench.programs.relay_alone", spec, relay_alone.Result, log=stack.log("relay"))
    if result.left:
        raise child.ChildError(f"the relay left {result.left} rows")
    return plan.relay_events / result.seconds


async def _producer(stack: Stack) -> float:
    plan = stack.plan
    spec = bare_producer.Spec(stack.servers.kafka_bootstrap, _TOPIC.name, plan.relay_events, plan.relay_bytes)
    result = await child.measured("bench.programs.bare_producer", spec, bare_producer.Result, log=stack.log("producer"))
    return plan.relay_events / result.seconds
