"""The embedded servers together: PostgreSQL and Kafka of one data directory, started side by side.

Invariant: one owner at a time. A lock on the directory refuses a second one while the first lives, and goes with it.
"""

import fcntl
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from devstack.jars import kafka_class_path
from devstack.kafka import Kafka
from devstack.postgres import Postgres
from devstack.record import write_atomically
from devstack.server import Server, ServerError

ADDRESSES = "addresses.json"


class EmbeddedServers:
    """PostgreSQL and Kafka on loopback, their data under `data`; a context manager that starts and stops both.

    `tell` is given the name of each file that a first start fetches. An address of a running server may be given
    instead: it is used, and ours is not started.
    """

    def __init__(
        self,
        data: Path,
        tell: Callable[[str], None] = lambda _line: None,
        *,
        given_postgres_url: str | None = None,
        given_kafka_bootstrap: str | None = None,
    ) -> None:
        self._data = data.absolute()
        self._tell = tell
        self._lock = -1
        self._data.mkdir(parents=True, exist_ok=True)
        self._given_postgres_url = given_postgres_url
        self._given_kafka_bootstrap = given_kafka_bootstrap
        self.postgres = Postgres(self._data)
        self.kafka = Kafka(self._data)

    @property
    def postgres_url(self) -> str:
        """The PostgreSQL server: `postgresql://user:password@host:port/postgres`."""
        return self._given_postgres_url or self.postgres.url

    @property
    def kafka_bootstrap(self) -> str:
        """The Kafka broker: `host:port`."""
        return self._given_kafka_bootstrap or self.kafka.bootstrap

    def ours(self) -> list[Server]:
        """The servers that are embedded, and not given."""
        wanted: list[tuple[str | None, Server]] = [
            (self._given_postgres_url, self.postgres),
            (self._given_kafka_bootstrap, self.kafka),
        ]
        return [server for given, server in wanted if given is None]

    def start(self) -> None:
        """Start both and return once both serve.

        Raises:
            ServerError: one did not start, or another process owns the data directory; none is left running.
        """
        self._lock = _lock(self._data / "lock")
        try:
            with ThreadPoolExecutor(2) as pool:
                jobs = [pool.submit(self._start_postgres), pool.submit(self._start_kafka)]
            for job in jobs:
                job.result()
        except BaseException:
            self.stop()
            raise
        addresses = {"postgres_url": self.postgres_url, "kafka_bootstrap": self.kafka_bootstrap}
        write_atomically(self._data / ADDRESSES, json.dumps(addresses))

    def stop(self) -> None:
        """Stop both, side by side, and let the data directory go."""
        with ThreadPoolExecutor(2) as pool:
            for job in [pool.submit(self.postgres.stop), pool.submit(self.kafka.stop)]:
                job.result()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start_postgres(self) -> None:
        if self._given_postgres_url is None:
            self.postgres.start()

    def _start_kafka(self) -> None:
        if self._given_kafka_bootstrap is None:
            kafka_class_path(self._tell)
            self.kafka.start()


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ServerError(f"another process uses {path.parent}") from None
    return descriptor
