"""How far consumer groups are behind, as the broker tells it: who is stuck cannot tell it of itself.

Invariant: every process tells of all partitions of its groups, whichever of them it reads itself; so what is told goes
on while a member is away, and of several processes the greatest counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import Gauge

from chassis.kafka import LogReader
from chassis.lifecycle import Stop
from slotwire_contracts import Topic

_LOOK_SECONDS = 5.0
# Named and labelled as kafka_exporter has it, so that dashboards and autoscalers of others fit.
_LAG = Gauge(
    "kafka_consumergroup_lag",
    "Records that a consumer group is not done with, at the last look.",
    ["consumergroup", "topic", "partition"],
)


@dataclass(frozen=True, slots=True)
class LagWatch:
    """Measures consumer groups.

    Attributes:
        bootstrap: the brokers.
        groups: what each group reads.
    """

    bootstrap: str
    groups: Mapping[str, Sequence[Topic]]

    async def run(self, stop: Stop) -> None:
        """Measure until asked to stop.

        Raises:
            KafkaError, OSError: when the broker is away; run it again.
        """
        if await stop.wait(_LOOK_SECONDS):
            return
        async with LogReader.connected(self.bootstrap) as log:
            while not stop.is_set():
                for group, topics in self.groups.items():
                    lags = await log.lags(group, [topic.name for topic in topics])
                    for (topic, partition), lag in lags.items():
                        _LAG.labels(group, topic, partition).set(lag)
                await stop.wait(_LOOK_SECONDS)
