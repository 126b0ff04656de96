"""The supervisor: what it brings up it keeps up, and nothing of it outlives it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from devstack.detached import is_ready, take_down
from devstack.envfile import read_env
from devstack.folder import Folder
from devstack.process import wait_until_gone
from devstack.record import read_json
from devstack.screen import Screen
from devstack.services import Service, ServiceProcess
from support.servers import Servers, open_folder

STACK = Path(__file__).with_name("tiny_stack.py")
PATIENCE = 60.0  # seconds


@contextmanager
def stack(folder: Folder, servers: Servers | None) -> Iterator[psutil.Popen]:
    """A supervisor that is up on `folder`, on given servers or its own; whatever is left is ended at last."""
    given = {}
    if servers is not None:
        given = {
            "SLOTWIRE_POSTGRES_URL": servers.postgres_url,
            "SLOTWIRE_KAFKA_BOOTSTRAP": servers.kafka_bootstrap,
        }
    folder.make()
    with folder.log.open("wb") as log:
        command = [sys.executable, str(STACK), str(folder.root)]
        supervisor = psutil.Popen(command, env={**os.environ, **given}, stdout=log, stderr=log)
    try:
        wait_for(lambda: is_ready(folder, supervisor.pid) or supervisor.poll() is not None, folder.log.read_text)
        assert supervisor.poll() is None, folder.log.read_text()
        yield supervisor
    finally:
        if supervisor.is_running():
            supervisor.terminate()
        supervisor.wait(PATIENCE)


@pytest.fixture
def folder() -> Iterator[Folder]:
    with open_folder() as made:
        yield Folder(made / ".slotwire")


def wait_for(happened: Callable[[], bool], tell: Callable[[], str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, tell()
        time.sleep(0.05)


def whoami(folder: Folder, service: str) -> int:
    with urlopen(f"{read_env(folder.env)['SLOTWIRE_URL']}/services/{service}/whoami", timeout=10) as answer:  # noqa: S310
        return int(json.loads(answer.read())["pid"])


def test_it_tells_where_everything_is(folder: Folder, servers: Servers) -> None:
    with stack(folder, servers):
        env = read_env(folder.env)
        assert env["SLOTWIRE_POSTGRES_URL"] == servers.postgres_url
        assert env["SLOTWIRE_KAFKA_BOOTSTRAP"] == servers.kafka_bootstrap
        assert env["SLOTWIRE_KEY"].startswith("wk_test_")
        assert all(env[f"SLOTWIRE_{name}"] for name in ("URL", "ORG", "SCHEDULE", "EVENT_TYPE"))
        assert folder.env.stat().st_mode & 0o777 == 0o600
        pids = read_json(folder.processes)
        assert {name: whoami(folder, name) for name in pids} == pids
        assert set(pids) == {"booking", "webhook-dispatcher"}


def test_a_killed_service_is_started_again(folder: Folder, servers: Servers) -> None:
    with stack(folder, servers):
        before = whoami(folder, "booking")
        other = whoami(folder, "webhook-dispatcher")
        os.kill(before, signal.SIGKILL)
        wait_for(lambda: read_json(folder.processes)["booking"] != before, folder.log.read_text)
        wait_for(lambda: answers(folder, "booking"), folder.log.read_text)
        assert whoami(folder, "booking") == read_json(folder.processes)["booking"]
        assert whoami(folder, "webhook-dispatcher") == other


def answers(folder: Folder, service: str) -> bool:
    try:
        return whoami(folder, service) > 0
    except OSError:
        return False


def test_ctrl_c_takes_everything_down(folder: Folder, servers: Servers) -> None:
    with stack(folder, servers) as supervisor:
        family = supervisor.children(recursive=True)
        supervisor.send_signal(signal.SIGINT)
        assert supervisor.wait(PATIENCE) == 0
        assert all(wait_until_gone(process, 0) for process in family)
        assert not folder.env.exists()
        assert not folder.supervisor.exists()


def test_nothing_outlives_a_killed_supervisor(folder: Folder) -> None:
    with stack(folder, None) as supervisor:
        family = supervisor.children(recursive=True)
        names = {process.name() for process in family}
        assert {"postgres", "java"} <= names
        supervisor.kill()
        assert all(wait_until_gone(process, 30) for process in family)
        assert not take_down(folder)
        assert not folder.env.exists()
    with stack(folder, None):
        assert answers(folder, "booking")


def test_a_killed_embedded_server_is_started_again(folder: Folder) -> None:
    with stack(folder, None):
        before = read_json(folder.processes)["postgresql"]
        os.kill(before, signal.SIGKILL)
        wait_for(lambda: read_json(folder.processes)["postgresql"] != before, folder.log.read_text)


def test_a_folder_has_one_supervisor(folder: Folder, servers: Servers) -> None:
    with stack(folder, servers):
        command = [sys.executable, str(STACK), str(folder.root)]
        second = subprocess.run(command, capture_output=True, text=True, check=False)
        assert second.returncode != 0
        assert "is up already" in second.stderr
        assert answers(folder, "booking")


def test_down_ends_exactly_this_folder(folder: Folder, servers: Servers) -> None:
    with stack(folder, servers) as supervisor:
        family = supervisor.children(recursive=True)
        assert take_down(folder)
        assert all(wait_until_gone(process, 0) for process in [supervisor, *family])
        assert not take_down(folder)


async def test_a_service_that_keeps_dying_is_not_started_in_a_hot_loop() -> None:
    process = ServiceProcess(Service("dying", ["/bin/sh", "-c", "exit 7"]), {}, Screen())
    running = asyncio.create_task(process.keep_running())
    await asyncio.sleep(2.0)
    await process.stop()
    await running
    assert 3 <= process.starts <= 5  # at 0, about 0.2, 0.6 and 1.4 s


async def test_every_line_of_a_service_carries_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    script = "echo one; echo two >&2; printf unended; sleep 60"
    process = ServiceProcess(Service("talking", ["/bin/sh", "-c", script]), {"PATH": os.environ["PATH"]}, Screen())
    running = asyncio.create_task(process.keep_running())
    await asyncio.sleep(0.5)
    await process.stop()
    await running
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("│ ")[::2] for line in lines] == [
        (f"{'talking':<20}", word) for word in ("one", "two", "unended")
    ]
