"""The embedded servers together: PostgreSQL and Kafka of one data directory, started side by side.

Invariant: one owner at a time. A lock on the directory refuses a second one while the first lives, and goes with it.
"""

import fcntl
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from devstack.jars import kafka_class_path
from devstack.kafka import Kafka
from devstack.postgres import Postgres
from devstack.server import Server, ServerError


class EmbeddedServers:
    """PostgreSQL and Kafka on loopback, their data under `data`; a context manager that starts and stops both.

    `tell` is given a line for each file that a first start fetches.
    """

    def __init__(self, data: Path, tell: Callable[[str], None] = lambda _line: None) -> None:
        self._data = data.absolute()
        self._tell = tell
        self._lock = -1
        self._data.mkdir(parents=True, exist_ok=True)
        self.postgres = Postgres(self._data)
        self.kafka = Kafka(self._data)

    @property
    def postgres_url(self) -> str:
        """The PostgreSQL server: `postgresql://user:password@host:port/postgres`."""
        return self.postgres.url

    @property
    def kafka_bootstrap(self) -> str:
        """The Kafka broker: `host:port`."""
        return self.kafka.bootstrap

    def start(self) -> None:
        """Start both and return once both serve.

        Raises:
            ServerError: one did not start, or another process owns the data directory; none is left running.
        """
        self._lock = _lock(self._data / "lock")
        servers: tuple[Server, ...] = (self.postgres, self.kafka)
        try:
            with ThreadPoolExecutor(len(servers)) as pool:
                jobs = [pool.submit(self._start_kafka), pool.submit(self.postgres.start)]
            for job in jobs:
                job.result()
        except BaseException:
            self.stop()
            raise

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

    def _start_kafka(self) -> None:
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
