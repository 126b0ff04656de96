"""The supervisor: what it brings up it keeps up, and nothing of it outlives it."""

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil
import pytest

from devstack.detached import is_ready, take_down
from devstack.envfile import read_env
from devstack.folder import Folder
from devstack.process import Command, Leashed, is_alive, wait_until_gone
from devstack.record import read_json
from devstack.screen import Screen
from devstack.server import Server
from devstack.services import Service, ServiceProcess
from devstack.supervisor import Options, Supervisor
from support.servers import Servers, open_folder

STACK = Path(__file__).with_name("tiny_stack.py")
PATIENCE = 60.0  # seconds


@contextmanager
def stack(folder: Folder, servers: Servers | None, **settings: str) -> Iterator[psutil.Popen]:
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
        bare = {name: value for name, value in os.environ.items() if not name.startswith("SLOTWIRE_")}
        supervisor = psutil.Popen(command, env={**bare, **given, **settings}, stdout=log, stderr=log)
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


def pids(folder: Folder) -> dict[str, int]:
    return {name: identity["pid"] for name, identity in read_json(folder.processes).items()}


def wait_for(happened: Callable[[], bool], tell: Callable[[], str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, tell()
        time.sleep(0.05)


def ask(folder: Folder, service: str, path: str) -> dict[str, Any]:
    with urlopen(f"{read_env(folder.env)['SLOTWIRE_URL']}/services/{service}/{path}", timeout=10) as answer:  # noqa: S310
        return dict(json.loads(answer.read()))


def whoami(folder: Folder, service: str) -> int:
    return int(ask(folder, service, "whoami")["pid"])


def test_it_tells_where_everything_is(folder: Folder, servers: Servers) -> None:
    with stack(folder, servers):
        env = read_env(folder.env)
        assert env["SLOTWIRE_POSTGRES_URL"] == servers.postgres_url
        assert env["SLOTWIRE_KAFKA_BOOTSTRAP"] == servers.kafka_bootstrap
        assert (Path(env["SLOTWIRE_POSTGRES_BIN"]) / "pg_basebackup").exists()
        assert env["SLOTWIRE_KEY"].startswith("wk_test_")
        assert all(env[f"SLOTWIRE_{name}"] for name in ("URL", "ORG", "SCHEDULE", "EVENT_TYPE"))
        assert folder.env.stat().st_mode & 0o777 == 0o600
        running = pids(folder)
        assert {name: whoami(folder, name) for name in running} == running
        assert set(running) == {"booking", "webhook-dispatcher"}


def test_every_service_has_the_same_keys_at_every_start(folder: Folder, servers: Servers) -> None:
    told = []
    for _ in range(2):
        with stack(folder, servers):
            told += [ask(folder, service, "told") for service in ("booking", "webhook-dispatcher")]
    assert told == [{"SLOTWIRE_SECRET_KEY": folder.secret_key(), "SLOTWIRE_SERVICE_KEY": folder.service_key()}] * 4
    for name in ("secret-key", "service-key"):
        kept = folder.root / name
        assert len(base64.b64decode(kept.read_text(), validate=True)) == 32
        assert kept.stat().st_mode & 0o777 == 0o600
    assert folder.secret_key() != folder.service_key()


def test_a_killed_service_is_started_again(folder: Folder, servers: Servers) -> None:
    with stack(folder, servers):
        before = whoami(folder, "booking")
        other = whoami(folder, "webhook-dispatcher")
        os.kill(before, signal.SIGKILL)
        wait_for(lambda: pids(folder)["booking"] != before, folder.log.read_text)
        wait_for(lambda: answers(folder, "booking"), folder.log.read_text)
        assert whoami(folder, "booking") == pids(folder)["booking"]
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
        before = pids(folder)["postgresql"]
        os.kill(before, signal.SIGKILL)
        wait_for(lambda: pids(folder)["postgresql"] != before, folder.log.read_text)


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


def test_down_waits_for_services_that_a_killed_supervisor_left_draining(folder: Folder, servers: Servers) -> None:
    with stack(folder, servers, TINY_DRAIN_SECONDS="2") as supervisor:
        services = [psutil.Process(pid) for pid in pids(folder).values()]
        supervisor.kill()
        supervisor.wait(PATIENCE)
        assert all(is_alive(service) for service in services)
        assert not take_down(folder)
        assert not any(is_alive(service) for service in services)
        assert not folder.processes.exists()


class Refusing(Server):
    """A server that never comes up, and says why in words of its own."""

    name = "Refusing"

    def _prepare(self) -> None:
        """There is nothing to prepare."""

    def _command(self) -> Command:
        return Command(argv=["/bin/echo", "no answer from [/127.0.0.1:9092]"])

    def _ready(self, _process: Leashed) -> bool:
        return False


async def test_the_words_of_a_server_that_does_not_come_back_are_shown_as_they_are(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.make()
    supervisor = Supervisor(Options(folder), Screen())
    await supervisor._start_again(Refusing(folder.root, folder.root / "refusing.log"))
    assert "no answer from [/127.0.0.1:9092]" in capsys.readouterr().out


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
