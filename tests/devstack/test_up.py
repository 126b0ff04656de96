"""`slotwire up` as a newcomer meets it: everything up, a booking's journey, down, and up again with nothing lost."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.envfile import read_env
from devstack.folder import Folder
from devstack.record import read_json
from support.servers import open_folder

SECOND_START = 15.0  # seconds; promised to users
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


def in_shell(folder: Folder, script: str) -> str:
    """Run a script as a newcomer would, after sourcing the env file."""
    sourced = f". {folder.env}\n{script}"
    done = subprocess.run(["/bin/sh", "-euc", sourced], env=environment(), capture_output=True, text=True, check=True)
    return done.stdout


def book(folder: Folder, day: str) -> str:
    times = f'"start_time": "{day}T10:00:00Z", "end_time": "{day}T11:00:00Z"'
    attendee = '"attendee": {"name": "John Doe", "email": "john@example.com"}'
    return in_shell(
        folder,
        'curl -sS -w "%{http_code}" -X POST "$SLOTWIRE_URL/api/v1/bookings"'
        ' -H "Authorization: Bearer $SLOTWIRE_KEY" -H "Content-Type: application/json"'
        f""" -d '{{"schedule_id": "'"$SLOTWIRE_SCHEDULE"'", "event_type_id": "'"$SLOTWIRE_EVENT_TYPE"'","""
        f" {times}, {attendee}}}'",
    )


def test_the_curl_of_the_summary_books(folder: Folder) -> None:
    assert book(folder, "2031-02-15").endswith("201")
    assert book(folder, "2031-02-15").endswith("409")


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
    subscriptions = 'curl -sS "$SLOTWIRE_URL/api/v1/webhooks/subscriptions" -H "Authorization: Bearer $SLOTWIRE_KEY"'
    assert "whsub" not in in_shell(folder, subscriptions) or '"data":[]' in in_shell(folder, subscriptions)


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


def test_a_second_start_is_quick_and_keeps_everything(folder: Folder) -> None:
    before = read_env(folder.env)
    booked = book(folder, "2031-02-18")
    assert booked.endswith("201")
    processes = read_json(folder.processes)

    assert slotwire(folder, "down").returncode == 0
    assert not folder.env.exists()
    assert not [pid for pid in processes.values() if Path(f"/proc/{pid}").exists()]

    began = time.monotonic()
    assert slotwire(folder, "up", "--detach").returncode == 0
    assert time.monotonic() - began < SECOND_START
    assert read_env(folder.env) == before
    assert book(folder, "2031-02-18").endswith("409")


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
