"""The embedded servers' own promises: data and addresses stay, whatever ended the life before."""

import os
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest

from devstack.postgres import Postgres
from devstack.process import wait_until_gone
from devstack.server import ServerError
from devstack.servers import EmbeddedServers
from devstack.unprivileged import SHARED
from support.servers import open_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as made:
        yield made


@contextmanager
def running(folder: Path) -> Iterator[Postgres]:
    postgres = Postgres(folder)
    postgres.start()
    try:
        yield postgres
    finally:
        postgres.stop()


async def ask(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_a_second_start_finds_data_and_address(folder: Path) -> None:
    with EmbeddedServers(folder) as servers:
        addresses = servers.postgres_url, servers.kafka_bootstrap
        await ask(servers.postgres_url, "CREATE DATABASE kept")
    with EmbeddedServers(folder) as servers:
        assert (servers.postgres_url, servers.kafka_bootstrap) == addresses
        assert await ask(servers.postgres_url, "SELECT count(*) FROM pg_database WHERE datname = 'kept'") == 1
        pids = [server.pid for server in servers.ours()]
    assert not any(psutil.pid_exists(pid) for pid in pids)


async def test_a_folder_has_one_owner(folder: Path) -> None:
    def make() -> EmbeddedServers:
        return EmbeddedServers(folder, given_kafka_bootstrap="127.0.0.1:1")

    with make(), pytest.raises(ServerError, match="another process uses"):
        make().start()
    with make() as third:
        assert await ask(third.postgres_url, "SELECT 1") == 1


async def test_an_orphan_is_ended_before_a_new_start(folder: Path) -> None:
    with running(folder) as first:
        orphan = psutil.Process(first.pid)
        leash = orphan.parent()
        assert leash is not None
        leash.kill()
        with running(folder) as second:
            assert await ask(second.url, "SELECT 1") == 1
            assert second.pid != orphan.pid
        assert wait_until_gone(orphan, 1)


async def test_what_a_crash_left_behind_is_no_bar(folder: Path) -> None:
    with running(folder) as first:
        leash = psutil.Process(first.pid).parent()
        assert leash is not None
        os.kill(first.pid, signal.SIGKILL)
        leash.kill()
        assert list(first.home.rglob("postmaster.pid"))
        with running(folder) as second:
            assert await ask(second.url, "SELECT 1") == 1


async def test_strangers_are_not_let_in(folder: Path) -> None:
    with running(folder) as postgres:
        without_password = postgres.url.replace(postgres.url.split(":")[2].split("@")[0], "guess")
        with pytest.raises(asyncpg.InvalidPasswordError):
            await ask(without_password, "SELECT 1")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must run PostgreSQL as somebody else")
async def test_root_need_not_open_its_folders(tmp_path: Path) -> None:
    """A clone below /root: `nobody` cannot pass, and no permission is widened for it."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with running(closed) as postgres:
        assert await ask(postgres.url, "SELECT 1") == 1
        assert postgres.home.parent == SHARED
        assert psutil.Process(postgres.pid).username() == "nobody"
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    await _found_again(closed)
    _remove(postgres.home)


async def _found_again(closed: Path) -> None:
    with running(closed) as postgres:
        assert await ask(postgres.url, "SELECT 1") == 1


def _remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()
