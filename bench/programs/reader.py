"""Reads several paths in turns, one request after another over one connection, and measures each answer's time.

Invariant: every answer must be 200; its time runs from the first byte sent to the last byte here, and looking into it
does not count.
"""

import json
import time
from dataclasses import dataclass, field

import uvloop

from bench.child import quiet_collector, spec_of, tell
from bench.programs.channel import Channel, request
from bench.programs.generator import HOST

_OK = 200
_WARM_UP = 3


@dataclass(frozen=True)
class Spec:
    """What to read.

    Attributes:
        paths: by a name of each.
        times: how often each is read.
    """

    port: int
    key: str
    paths: dict[str, str]
    times: int


@dataclass
class Result:
    """What came of it, by the names of the paths.

    Attributes:
        milliseconds: of each answer.
        found: how many there are of what was asked for: the answer's total, or what it shows where it tells none.
    """

    milliseconds: dict[str, list[float]] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)


async def read(spec: Spec) -> Result:
    """Read all paths as often as asked."""
    channel = await Channel.connected(HOST, spec.port)
    headers = f"Authorization: Bearer {spec.key}\r\n"
    result = Result({name: [] for name in spec.paths})
    quiet_collector()
    for turn in range(_WARM_UP + spec.times):
        for name, path in spec.paths.items():
            asked = request("GET", path, headers)
            began = time.perf_counter()
            status, answer = await channel.ask(asked)
            took = time.perf_counter() - began
            if status != _OK:
                raise RuntimeError(f"{path} was answered {status}: {answer.decode()}")
            if turn < _WARM_UP:
                result.found[name] = _found(answer)
            else:
                result.milliseconds[name].append(1000 * took)
    return result


def _found(answer: bytes) -> int:
    content = json.loads(answer)
    meta = content.get("meta")
    return int(meta["total"]) if meta else len(content["data"])


if __name__ == "__main__":
    tell(uvloop.run(read(spec_of(Spec))))
