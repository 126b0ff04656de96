"""Processes of a run: the services, and the bench's own programs, which take one JSON argument and tell one JSON line.

Invariant: a process started here ends with the block that runs it, and with this process, however that ends.
"""

import asyncio
import gc
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from prometheus_client import REGISTRY

from devstack.process import Command, Leashed

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

ROOT = Path(__file__).parents[1]
_LOOK_SECONDS = 0.005
R = TypeVar("R")


class ChildError(RuntimeError):
    """A process of the run failed; the message carries the end of its log."""


@asynccontextmanager
async def running(
    module: str, *arguments: str, log: Path, env: Mapping[str, str] | None = None
) -> AsyncIterator[Leashed]:
    """Run `python -m module` for the block."""
    environment = os.environ if env is None else env
    command = Command([sys.executable, "-m", module, *arguments], cwd=ROOT, env=environment)
    with log.open("ab") as output:
        process = await asyncio.to_thread(Leashed.start, command, output.fileno())
    try:
        yield process
    finally:
        await asyncio.to_thread(process.stop)


async def run(module: str, *arguments: str, log: Path, env: Mapping[str, str] | None = None) -> str:
    """Run `python -m module` to its end, and answer the last line that it wrote.

    Raises:
        ChildError: it failed.
    """
    async with running(module, *arguments, log=log, env=env) as process:
        code = await asyncio.to_thread(process.wait)
    lines = log.read_text(errors="replace").splitlines()
    if code != 0:
        raise ChildError(f"{module} failed:\n" + "\n".join(lines[-15:]))
    return lines[-1] if lines else ""


async def measured(module: str, spec: "DataclassInstance", result: type[R], *, log: Path) -> R:
    """Run one of the bench's programs, and answer what it measured.

    Raises:
        ChildError: it failed.
    """
    return result(**json.loads(await run(module, json.dumps(asdict(spec)), log=log)))


def quiet_collector() -> None:
    """Look for garbage as seldom as the services do, so that a reference is not slower for it."""
    gc.set_threshold(20_000)
    gc.collect()
    gc.freeze()


def spec_of(kind: type[R]) -> R:
    """Read, inside a program, what it was asked."""
    given: dict[str, Any] = json.loads(sys.argv[1])
    return kind(**given)


def tell(result: "DataclassInstance") -> None:
    """Write, inside a program, what was measured."""
    sys.stdout.write(json.dumps(asdict(result)) + "\n")
    sys.stdout.flush()


async def until_metric(name: str, value: float) -> None:
    """Wait, inside a program, until one of its own metrics reaches a value."""
    while (REGISTRY.get_sample_value(name) or 0.0) < value:
        await asyncio.sleep(_LOOK_SECONDS)
