"""The PostgreSQL and Kafka that tests run against: containers when a Docker engine answers, else the embedded stack.

One protocol, two implementations; `SLOTWIRE_TEST_SERVERS=embedded|containers` forces one.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from devstack.servers import EmbeddedServers
from support.containers import ContainerServers, engine_answers

CHOICE = "SLOTWIRE_TEST_SERVERS"


class CrashableServer(Protocol):
    """A server that a test may end and crash. Blocking: async tests call it through `asyncio.to_thread`."""

    @property
    def pid(self) -> int: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def kill(self) -> None: ...


class Servers(Protocol):
    """Both servers; `postgres_url` names the maintenance database, `kafka_bootstrap` is `host:port`."""

    @property
    def postgres_url(self) -> str: ...

    @property
    def kafka_bootstrap(self) -> str: ...

    @property
    def postgres(self) -> CrashableServer: ...

    @property
    def kafka(self) -> CrashableServer: ...


@contextmanager
def running_servers(choice: str | None = None) -> Iterator[Servers]:
    """Both servers, running and empty; stopped and removed afterwards."""
    kind = choice or os.environ.get(CHOICE) or ("containers" if engine_answers() else "embedded")
    if kind == "containers":
        with ContainerServers() as containers:
            yield containers
    elif kind == "embedded":
        with open_folder() as folder, EmbeddedServers(folder) as embedded:
            yield embedded
    else:
        raise ValueError(f"{CHOICE} is {kind!r}: it may be 'embedded' or 'containers'")


@contextmanager
def open_folder() -> Iterator[Path]:
    """A temporary folder that root's PostgreSQL, which runs as nobody, may pass; pytest's own may not be passed."""
    folder = Path(tempfile.mkdtemp(prefix="slotwire-tests-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
