"""`slotwire up` as a newcomer meets it: everything up, a booking's journey, down, and up again with nothing lost."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from devstack.envfile import read_env
from devstack.folder import Folder
from devstack.record import identified_process, read_json
from support.servers import open_folder

PATIENCE = 60.0  # seconds


@pytest.fixture(scope="module")
def folder() -> Iterator[Folder]:
    """The folder of a stack that is up, taken down at last."""
    with open_folder() as made:
        folder = Folder(made / ".slotwire")
        up = slotwire(folder, "up", "--detach")
        assert up.returncode == 0, up.stdout + up.stderr
        yield folder
        assert slotwire(folder, "down").returncode == 0


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("SLOTWIRE_")}


def command(folder: Folder, *words: str) -> list[str]:
    return [sys.executable, "-m", "devstack", *words, "--data", str(folder.root)]


def slotwire(folder: Folder, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(folder, *words), env=environment(), capture_output=True, text=True, check=False, timeout=300
    )


def call(folder: Folder, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
    env = read_env(folder.env)
    headers = {"Authorization": f"Bearer {env['SLOTWIRE_KEY']}", "Content-Type": "application/json"}
    content = None if body is None else json.dumps(body).encode()
    request = Request(env["SLOTWIRE_URL"] + path, method=method, data=content, headers=headers)  # noqa: S310
    try:
        with urlopen(request, timeout=10) as answer:  # noqa: S310 - our own stack
            return answer.status, json.loads(answer.read())
    except HTTPError as refused:
        with refused:
            return refused.code, json.loads(refused.read())


def book(folder: Folder, day: str) -> int:
    """Book ten o'clock of a day on the demo schedule; the answer's status."""
    env = read_env(folder.env)
    body = {
        "schedule_id": env["SLOTWIRE_SCHEDULE"],
        "event_type_id": env["SLOTWIRE_EVENT_TYPE"],
        "start_time": f"{day}T10:00:00Z",
        "end_time": f"{day}T11:00:00Z",
        "attendee": {"name": "John Doe", "email": "john@example.com"},
    }
    return call(folder, "POST", "/api/v1/bookings", body)[0]


@pytest.mark.skipif(shutil.which("curl") is None, reason="the summary's line needs curl")
def test_what_the_summary_says_to_type_books(folder: Folder) -> None:
    told = slotwire(folder, "up").stdout
    script = told[told.index("  . ") :]
    done = subprocess.run(["/bin/sh", "-euc", script], env=environment(), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["data"]["status"] == "PENDING"


def test_the_demo_tells_the_whole_journey(folder: Folder) -> None:
    told = slotwire(folder, "demo")
    assert told.returncode == 0, told.stdout + told.stderr
    for event in ("reservation.created", "reservation.confirmed", "reservation.cancelled"):
        assert f"on the topic booking.events: {event}" in told.stdout
        assert f"signature verified: {event}" in told.stdout
    assert "whole journey took" in told.stdout


def test_listen_shows_each_webhook_and_takes_its_subscription_back(folder: Folder, tmp_path: Path) -> None:
    output = tmp_path / "output"
    with (
        output.open("w") as written,
        subprocess.Popen(command(folder, "listen"), env=environment(), stdout=written, stderr=written) as listening,
    ):
        wait_for(output, "Listening on")
        book(folder, "2031-02-16")
        wait_for(output, "signature verified")
        listening.send_signal(signal.SIGINT)
    assert listening.returncode == 0, output.read_text()
    assert "reservation.created" in output.read_text()
    assert call(folder, "GET", "/api/v1/webhooks/subscriptions")[1]["data"] == []


def test_tail_shows_the_topic(folder: Folder, tmp_path: Path) -> None:
    book(folder, "2031-02-17")
    output = tmp_path / "output"
    with (
        output.open("w") as written,
        subprocess.Popen(
            command(folder, "tail", "--from-beginning"), env=environment(), stdout=written, stderr=written
        ) as tailing,
    ):
        wait_for(output, "reservation.created")
        tailing.send_signal(signal.SIGINT)
    assert tailing.returncode == 0, output.read_text()


def test_a_second_up_says_that_it_is_up(folder: Folder) -> None:
    for words in (("up", "--detach"), ("up",)):
        second = slotwire(folder, *words)
        assert second.returncode == 0
        assert "is up already" in second.stdout
        assert read_env(folder.env)["SLOTWIRE_URL"] in second.stdout


def test_a_second_start_keeps_everything(folder: Folder) -> None:
    before = read_env(folder.env)
    assert book(folder, "2031-02-18") == 201
    processes = read_json(folder.processes)

    assert slotwire(folder, "down").returncode == 0
    assert not folder.env.exists()
    assert not [one for one in processes.values() if identified_process(one) is not None]

    assert slotwire(folder, "up", "--detach").returncode == 0
    assert read_env(folder.env) == before
    assert book(folder, "2031-02-18") == 409


def test_a_stack_that_does_not_come_up_says_why(folder: Folder, tmp_path: Path) -> None:
    taken = read_env(folder.env)["SLOTWIRE_URL"].rpartition(":")[2]
    refused = slotwire(Folder(tmp_path / "other"), "up", "--detach", "--port", taken)
    assert refused.returncode == 1
    assert f"port {taken} is in use" in refused.stdout


def wait_for(output: Path, word: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while word not in output.read_text():
        assert time.monotonic() < deadline, f"{word} never came: {output.read_text()}"
        time.sleep(0.05)
