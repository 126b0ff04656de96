"""`python -m chassis.identity`, as an operator types it."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import TypeAlias

import pytest

from support.servers import Servers

Command: TypeAlias = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(servers: Servers) -> Command:
    """Runs the command with some words."""
    environment = {**os.environ, "SLOTWIRE_POSTGRES_URL": servers.postgres_url}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-m", "chassis.identity", *words]
        return subprocess.run(program, env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def org(command: Command) -> str:
    """A new organization: its id is all that the command prints."""
    made = command("create-organization", "--name", "Bistro")
    assert (made.returncode, made.stderr) == (0, "")
    return made.stdout.strip()


def test_a_key_is_made_listed_and_revoked(command: Command, org: str) -> None:
    made = command("create", "--org", org, "--name", "till", "--kind", "admin", "--scope", "*")
    assert made.stdout.startswith("wk_test_")
    assert made.stdout.count("\n") == 1
    key_id = made.stderr.removeprefix("Made ").split(". ")[0]

    assert command("list", "--org", org).stdout == f"{key_id}\tadmin\tvalid\t*\ttill\n"
    assert command("revoke", key_id).returncode == 0
    assert command("list", "--org", org).stdout == f"{key_id}\tadmin\trevoked\t*\ttill\n"
    again = command("revoke", key_id)
    assert (again.returncode, again.stderr) == (1, f"there is no key {key_id} that could be revoked\n")


def test_an_id_of_ones_own_is_taken_once(command: Command, org: str) -> None:
    again = command("create-organization", "--name", "Again", "--id", org)
    assert (again.returncode, again.stdout, again.stderr) == (1, "", f"organization {org} exists\n")


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["--org", "org_none", "--scope", "*"], 1, "organization org_none does not exist"),
        (["--org", "org_none", "--scope", "fly"], 1, "unknown scope: fly"),
        (["--org", "org_none", "--scope", "*", "--expires-in-days", "0"], 2, "at least 1"),
    ],
)
def test_what_cannot_be_made_is_said(command: Command, words: list[str], code: int, why: str) -> None:
    refused = command("create", "--name", "till", *words)
    assert (refused.returncode, refused.stdout) == (code, "")
    assert why in refused.stderr
