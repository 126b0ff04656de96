"""What processes use: processor time and memory of whole trees, from the operating system's own counts.

Invariant: the time of a child that ended and was waited for stays counted, so a tree's time never falls.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

_MIB = 1024 * 1024


def cpu_seconds(pid: int) -> float:
    """Tell the processor time of a process and all its descendants so far, system time included."""
    total = 0.0
    for process in _tree(pid):
        with suppress(psutil.NoSuchProcess):
            total += sum(process.cpu_times()[:4])  # its own and its ended children's, user and system
    return total


def memory_mib(pid: int) -> float:
    """Tell the memory of a process and all its descendants; what several share is counted once (PSS)."""
    total = 0
    for process in _tree(pid):
        with suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().pss
    return total / _MIB


def peak_mib(pid: int) -> float:
    """Tell the most memory that a process has had resident so far, shared pages counted in full."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


class CpuMeter:
    """Processor time of named trees since it was made."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = pids
        self._before = {name: cpu_seconds(pid) for name, pid in pids.items()}

    def seconds(self) -> dict[str, float]:
        """Tell the seconds of each tree."""
        return {name: cpu_seconds(pid) - self._before[name] for name, pid in self._pids.items()}


def _tree(pid: int) -> list[psutil.Process]:
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]
