"""The machine and the versions that a report was made with."""

import platform
from importlib.metadata import version
from pathlib import Path

import psutil

from bench.stack import Stack
from devstack.jars import KAFKA_VERSION

_DURABILITY = ("fsync", "synchronous_commit", "full_page_writes")
_LIBRARIES = ("aiohttp", "uvloop", "asyncpg", "aiokafka", "pydantic")


class NotDurableError(RuntimeError):
    """PostgreSQL does not do what makes a commit durable: nothing measured on it counts."""


async def describe(stack: Stack) -> dict[str, str]:
    """Describe where a run is made.

    Raises:
        NotDurableError: fsync, synchronous_commit or full_page_writes is off.
    """
    durability = {name: await stack.value("booking", f"SHOW {name}") for name in _DURABILITY}
    if set(durability.values()) != {"on"}:
        raise NotDurableError(f"a benchmark wants all of them on: {durability}")
    postgres = await stack.value("booking", "SHOW server_version")
    return {
        "Processor": f"{psutil.cpu_count()} cores, {_processor()}",
        "Memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "System": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_version()}; " + ", ".join(f"{name} {version(name)}" for name in _LIBRARIES),
        "PostgreSQL": f"{postgres}; " + ", ".join(f"{name} {value}" for name, value in durability.items()),
        "Kafka": f"{KAFKA_VERSION}, one broker, acks=all",
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
