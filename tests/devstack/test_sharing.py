"""What a broker leaves for the next start."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from devstack import sharing
from devstack.kafka import Kafka
from support.servers import open_folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sharing, "cache_folder", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def kafka() -> Iterator[Kafka]:
    with open_folder() as folder:
        server = Kafka(folder)
        yield server
        server.kill()


def test_a_broker_that_ends_in_good_order_leaves_an_archive_and_the_next_start_takes_from_it(
    cache: Path, kafka: Kafka
) -> None:
    kafka.start()
    assert list(cache.iterdir()) == []
    kafka.stop()
    assert list(cache.iterdir()) == [sharing.archive()]
    kafka.start()
    assert f"-XX:SharedArchiveFile={sharing.archive()}" in psutil.Process(kafka.pid).cmdline()


@pytest.mark.usefixtures("cache")
def test_an_archive_that_is_of_no_use_is_passed_over(kafka: Kafka) -> None:
    sharing.archive().write_bytes(b"\0" * 4096)
    kafka.start()
    assert kafka.running
