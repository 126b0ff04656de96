"""Ports of 127.0.0.1: chosen once for a data directory, kept as long as they stay free, so that URLs stay.

Invariant: a chosen port lies below every system's range for outgoing connections. A client that keeps connecting to a
dead server's port within that range may be given the same port for its own end, connect to itself, and so keep the
server from coming back.
"""

import json
import random
import socket
from collections.abc import Mapping
from pathlib import Path

from devstack.record import read_json, write_atomically

HOST = "127.0.0.1"
LOWEST, HIGHEST = 15_000, 32_000
_given: set[int] = set()


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do after a restart
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def accepts(port: int) -> bool:
    """Whether a server answers connections on `port`."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0


def free_port() -> int:
    """A port on which nobody listens, another one each time this process asks: whom it is for may listen much later."""
    candidates = random.sample(range(LOWEST, HIGHEST), 200)
    port = next(port for port in candidates if port not in _given and is_free(port))
    _given.add(port)
    return port


def kept_ports(path: Path, wanted: Mapping[str, int | None]) -> dict[str, int]:
    """The ports of `wanted` by name: the one kept in `path` if still free, else the wanted one if free, else any.

    What was chosen is kept in `path`.
    """
    kept = read_json(path)
    chosen = {name: _choose(kept.get(name), default) for name, default in wanted.items()}
    write_atomically(path, json.dumps(chosen))
    return chosen


def _choose(*candidates: int | None) -> int:
    chosen = next((port for port in candidates if port is not None and is_free(port)), None) or free_port()
    _given.add(chosen)
    return chosen
