"""Reads a topic from its beginning, and notes when each record was here.

Invariant: a record's time is taken when it is handed over, before anything is done with it; what comes twice counts
once, at its first time.
"""

import time
from dataclasses import dataclass

import uvloop

from bench.child import quiet_collector, spec_of, tell
from chassis.kafka import Consumer

_AT_ONCE = 5_000
_PATIENCE = 60.0  # seconds without any


@dataclass(frozen=True)
class Spec:
    """What to read, until so many different keys were there."""

    bootstrap: str
    topic: str
    count: int


@dataclass(frozen=True)
class Result:
    """The key of each record, and when it was here, in microseconds since 1970."""

    arrivals: dict[str, int]


async def main(spec: Spec) -> Result:
    """Read until all are here.

    Raises:
        RuntimeError: no more came for a long time.
    """
    arrivals: dict[str, int] = {}
    async with Consumer.connected(spec.bootstrap, [spec.topic], group=None) as consumer:
        quiet_collector()
        while len(arrivals) < spec.count:
            records = await consumer.fetch(at_most=_AT_ONCE, wait_seconds=_PATIENCE)
            now = time.time_ns() // 1000
            if not records:
                raise RuntimeError(f"of {spec.count} records {len(arrivals)} came")
            for record in records:
                arrivals.setdefault((record.key or b"").decode(), now)
    return Result(arrivals)


if __name__ == "__main__":
    tell(uvloop.run(main(spec_of(Spec))))
