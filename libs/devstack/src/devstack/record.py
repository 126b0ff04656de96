"""Records of running processes: which process belongs to a data directory, told without mistake.

Invariant: a process is found again only if its pid, its start time and its command line all agree, so that a number
which the system gave to someone else meanwhile is never signalled.
"""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

STARTING = 1.0  # seconds within which a new process has its command line
CLOCK_STEP = 5.0  # seconds; a start time is derived from the wall clock, which may be set between two readings


def write_atomically(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace `path` by `text`, so that a reader sees the old or the new text and nothing between."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, mode)
        file.write(text)
    scratch.replace(path)


def identity_of(pid: int) -> dict[str, Any] | None:
    """What tells the running process `pid` from a later process of that number; None if it has ended."""
    try:
        process = psutil.Process(pid)
        return {"pid": pid, "started": process.create_time(), "command": _command(process)}
    except psutil.NoSuchProcess:
        return None


def _command(process: psutil.Process) -> list[str]:
    """The command line of a process that may have been started this instant: at first it is empty."""
    command = process.cmdline()
    deadline = time.monotonic() + STARTING
    while not command and process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        time.sleep(0.001)
        command = process.cmdline()
    return command


def write_record(path: Path, pid: int, **facts: Any) -> None:
    """Record that `pid` runs, unless it has ended already; `facts` are kept beside its identity."""
    identity = identity_of(pid)
    if identity is not None:
        write_atomically(path, json.dumps({**identity, **facts}))


def read_json(path: Path) -> dict[str, Any]:
    """The object kept in `path`; empty if there is none that can be read."""
    try:
        kept = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return kept if isinstance(kept, dict) else {}


def recorded_process(path: Path) -> psutil.Process | None:
    """The process recorded in `path` if it still runs and is really that one."""
    record = read_json(path)
    return identified_process(record) if record else None


def identified_process(identity: Mapping[str, Any]) -> psutil.Process | None:
    """The process that `identity_of` told of, if it still runs and is really that one."""
    try:
        process = psutil.Process(identity["pid"])
        same_start = abs(process.create_time() - identity["started"]) < CLOCK_STEP
        same_command = process.cmdline() == identity["command"]
        alive = process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return None
    return process if same_start and same_command and alive else None
