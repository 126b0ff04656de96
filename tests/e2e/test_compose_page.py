"""docs/compose.md does what it says, in a folder that holds a fresh copy of the repository and nothing else."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.ports import free_port
from docs.page import blocks
from docs.run import Run
from docs.terminal import Terminal
from support.compose import ROOT, compose_command, compose_environment, remove_project, require_compose
from support.servers import open_folder

pytestmark = pytest.mark.timeout(900)

NOT_CLONED = shutil.ignore_patterns(".*cache*", ".git", ".venv", ".slotwire", ".hypothesis", "__pycache__")
PORT = "8080"
"""The page's port, which this machine may need for something else."""


@pytest.fixture
def clone() -> Iterator[Path]:
    """A fresh copy; its folder's name is the Compose project's, which is removed afterwards."""
    require_compose()
    with open_folder() as folder:
        shutil.copytree(ROOT, folder, ignore=NOT_CLONED, dirs_exist_ok=True)
        try:
            yield folder
        finally:
            remove_project(folder)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the page's commands need curl")
def test_the_page_does_what_it_shows(clone: Path, tmp_path: Path) -> None:
    port = str(free_port())
    env = compose_environment({"SLOTWIRE_GATEWAY_PORT": port, "SLOTWIRE_TAG": "tests"})
    called = {PORT: port, "slotwire_$volume": f"{clone.name}_$volume", "docker-compose": " ".join(compose_command())}
    with Terminal(clone, env) as terminal:
        run = Run(clone, env, terminal, tmp_path, called)
        for block in blocks(ROOT / "docs/compose.md"):
            run.play(block)
