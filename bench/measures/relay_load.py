"""The relay at fixed rates: rows are committed when they are due, and a reader of the topic notes each record.

Latency runs from when a row was due to its record's arrival at the reader, so the commit is in it. Up to so many rows a
second each has a commit of its own; beyond that, rows that are due together share one. What the relay does of a full
outbox is measured elsewhere, beside its reference.
"""

import asyncio

from bench import child
from bench.load import Cost, CostMeter, Load, Loads, at_rate
from bench.programs import row_source, watcher
from bench.records import records
from bench.stack import Stack
from chassis.kafka import ensure_topics
from chassis.migrations import migrate
from slotwire_contracts import Topic

_DATABASE = "bench_rows"
_POOL = 10  # a service's default


async def measure(stack: Stack) -> Loads:
    """Measure one rate after the other."""
    await migrate(stack.servers.postgres_url, _DATABASE, ["chassis"])
    return {"relay_load": tuple([await _at(stack, rate) for rate in stack.plan.relay_rates])}


async def _at(stack: Stack, rate: float) -> Load:
    plan, topic = stack.plan, f"bench.rows.{rate:g}"
    await ensure_topics(stack.servers.kafka_bootstrap, [Topic(topic, 12, 1, "a resource's id", "the benchmark")])
    await stack.tidy(_DATABASE)
    skipped, counted = (int(rate * seconds) for seconds in (plan.load_skipped_seconds, plan.load_seconds))
    count, meter = skipped + counted, CostMeter(stack.server_pids)
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(_watch(stack, topic, count))
        committing = group.create_task(_commit(stack, topic, rate, count))
    committed, seen = committing.result(), watching.result()
    spans = [
        (due, seen.arrivals[key.decode()])
        for due, (_, key, _) in zip(committed.dues, records(count, plan.relay_bytes), strict=True)
    ]
    return at_rate(rate, spans[skipped:], _cost(meter.cost(count), committed, count))


async def _watch(stack: Stack, topic: str, count: int) -> watcher.Result:
    spec = watcher.Spec(stack.servers.kafka_bootstrap, topic, count)
    return await child.measured("bench.programs.watcher", spec, watcher.Result, log=stack.log("watcher"))


async def _commit(stack: Stack, topic: str, rate: float, count: int) -> row_source.Result:
    spec = row_source.Spec(
        url=stack.url_of(_DATABASE),
        bootstrap=stack.servers.kafka_bootstrap,
        topic=topic,
        rate=rate,
        count=count,
        a_commit=max(1, round(rate / stack.plan.relay_commits)),
        value_bytes=stack.plan.relay_bytes,
        pool_size=_POOL,
    )
    return await child.measured("bench.programs.row_source", spec, row_source.Result, log=stack.log("rows"))


def _cost(servers: Cost, committed: row_source.Result, count: int) -> Cost:
    """Add the process that commits and relays to what the servers cost."""
    return Cost(
        {**servers.cpu_s, "writer and relay": 1000 * committed.cpu_seconds / count},
        {**servers.memory_mib, "writer and relay": committed.memory_mib},
    )
