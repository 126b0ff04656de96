"""A clone as a newcomer has it, with its own stack."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from support.servers import open_folder

ROOT = Path(__file__).parents[2]
NOT_CLONED = frozenset({".git", ".slotwire", ".venv"})


def reader_environment() -> Mapping[str, str]:
    """What a newcomer's terminal has: nothing of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("SLOTWIRE_", "MAKE", "MFLAGS"))}


def make(clone: Path, *words: str) -> None:
    done = subprocess.run(
        ["make", *words],  # noqa: S607 - as the pages type it
        cwd=clone,
        env=reader_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def clone() -> Iterator[Path]:
    """A folder with everything of the repository, and with data of its own."""
    with open_folder() as folder:
        for path in ROOT.iterdir():
            if path.name not in NOT_CLONED:
                (folder / path.name).symlink_to(path)
        (folder / ".venv").symlink_to(sys.prefix)
        yield folder
        make(folder, "down")


@pytest.fixture
def running_clone(clone: Path) -> Path:
    """The clone with its stack up."""
    make(clone, "up", "DETACH=1")
    return clone
