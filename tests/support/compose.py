"""Compose projects of tests' own: started, looked at, and removed with all they made but the images.

Invariant: nothing outside the project is touched; its name is new each time.
"""

import asyncio
import functools
import json
import os
import secrets
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCKER = shutil.which("docker") or "docker"


@functools.cache
def compose_command() -> tuple[str, ...]:
    """Version 2 as a part of `docker`, else version 1 as a program of its own; empty where there is neither."""
    for command in ((DOCKER, "compose"), (shutil.which("docker-compose") or "",)):
        if command[0] and _succeeds([*command, "version"]):
            return command
    return ()


@functools.cache
def without_compose() -> str | None:
    """Why no Compose project can be started here; None if one can."""
    if shutil.which("docker") is None or not _succeeds([DOCKER, "version"]):
        return "no Docker engine answers the command `docker`"
    return None if compose_command() else "neither `docker compose` nor `docker-compose` is installed"


def require_compose() -> None:
    """Skip the test, saying why, where no Compose project can be started."""
    if (why := without_compose()) is not None:
        pytest.skip(why)


@dataclass
class Project:
    """A Compose project; `env` is what its files are told."""

    files: Sequence[str]
    env: dict[str, str]
    name: str = field(default_factory=lambda: f"slotwire-test-{secrets.token_hex(4)}")

    async def run(self, *words: str) -> str:
        """Run one Compose command and answer its standard output; it must succeed."""
        command = [*compose_command(), "--project-name", self.name, "--project-directory", str(ROOT)]
        for file in self.files:
            command += ["--file", file]
        return await asyncio.to_thread(_output, [*command, *words], self.env)

    async def containers(self) -> dict[str, dict[str, Any]]:
        """What the engine tells of the project's containers, by service."""
        labelled = f"label=com.docker.compose.project={self.name}"
        ids = (await asyncio.to_thread(_output, [DOCKER, "ps", "--all", "--quiet", "--filter", labelled])).split()
        told = json.loads(await asyncio.to_thread(_output, [DOCKER, "inspect", *ids])) if ids else []
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in told}

    async def states(self) -> dict[str, str]:
        """Each service's health, or its exit code where it was to run once."""
        return {name: _state(one["State"]) for name, one in (await self.containers()).items()}


@asynccontextmanager
async def project(*files: str, **env: str) -> AsyncIterator[Project]:
    """A project that is not started yet; whatever it became is removed afterwards."""
    made = Project(files, env)
    try:
        yield made
    finally:
        await made.run("down", "--volumes", "--remove-orphans", "--timeout", "5")


def compose_environment(told: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with nothing of ours in it but what is told."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SLOTWIRE_", "COMPOSE_"))}
    return {**inherited, **_builder(), **told}


def remove_project(folder: Path) -> None:
    """Remove what a folder's own Compose project has become, data included."""
    _output([*compose_command(), "down", "--volumes", "--remove-orphans", "--timeout", "5"], folder=folder)


@asynccontextmanager
async def network() -> AsyncIterator[tuple[str, str]]:
    """A network for the block: its name and its subnet."""
    name = f"slotwire-test-{secrets.token_hex(4)}"
    await asyncio.to_thread(_output, [DOCKER, "network", "create", name])
    try:
        told = json.loads(await asyncio.to_thread(_output, [DOCKER, "network", "inspect", name]))
        yield name, told[0]["IPAM"]["Config"][0]["Subnet"]
    finally:
        await asyncio.to_thread(_output, [DOCKER, "network", "rm", name])


def _state(state: dict[str, Any]) -> str:
    return state["Health"]["Status"] if "Health" in state else f"{state['Status']} {state['ExitCode']}"


def _succeeds(command: Sequence[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@functools.cache
def _builder() -> dict[str, str]:
    """The engine's own builder where the newer one is not installed."""
    return {} if _succeeds([DOCKER, "buildx", "version"]) else {"DOCKER_BUILDKIT": "0"}


def _output(command: Sequence[str], env: Mapping[str, str] | None = None, folder: Path = ROOT) -> str:
    ran = subprocess.run(
        command, cwd=folder, env=compose_environment(env or {}), capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, f"{' '.join(command)}: {ran.stderr}"
    return ran.stdout
