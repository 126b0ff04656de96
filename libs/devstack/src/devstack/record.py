"""Records of running processes: which process belongs to a data directory, told without mistake.

Invariant: a process is found again only if its pid, its start time and its command line all agree, so that a number
which the system gave to someone else meanwhile is never signalled.
"""

import json
import os
from pathlib import Path
from typing import Any

import psutil

CLOCK_STEP = 5.0  # seconds; a start time is derived from the wall clock, which may be set between two readings


def write_atomically(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace `path` by `text`, so that a reader sees the old or the new text and nothing between."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, mode)
        file.write(text)
    scratch.replace(path)


def write_record(path: Path, pid: int, **facts: Any) -> None:
    """Record that `pid` runs, with what tells it from a later process of that number; `facts` are kept beside it."""
    try:
        process = psutil.Process(pid)
        identity = {"pid": pid, "started": process.create_time(), "command": process.cmdline()}
    except psutil.NoSuchProcess:
        return
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
    if not record:
        return None
    try:
        process = psutil.Process(record["pid"])
        same_start = abs(process.create_time() - record["started"]) < CLOCK_STEP
        same_command = process.cmdline() == record["command"]
    except psutil.Error:
        return None
    alive = process.status() != psutil.STATUS_ZOMBIE
    return process if same_start and same_command and alive else None
