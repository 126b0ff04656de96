"""Apache Kafka's jars: resolved once for a user from Maven coordinates by `jgo`, then found again without the network.

Invariant: a class path is handed out only if every jar of it exists.
"""

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack.record import write_atomically

KAFKA_VERSION = "4.3.1"
# kafka-clients is named beside the server: without it another path can pull an older client in.
COORDINATES = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    f"org.apache.kafka:kafka-clients:{KAFKA_VERSION}",
    "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4",
)


class FetchError(RuntimeError):
    """The jars could not be fetched; the message carries the resolver's own words."""


def kafka_class_path(tell: Callable[[str], None] = lambda _line: None) -> str:
    """Kafka's class path; the first call on a machine fetches about 44 MB and tells each file's name.

    Raises:
        FetchError: the jars are not there and cannot be fetched.
    """
    folder = cache_folder()
    with _locked(folder / "lock"):
        known = folder / f"kafka-{KAFKA_VERSION}.classpath"
        if known.exists() and _complete(known.read_text()):
            return known.read_text()
        path = _class_path(_fetch(folder, tell))
        write_atomically(known, path)
        return path


def jars_present() -> bool:
    """Whether the jars are there already, so that no network is needed."""
    known = cache_folder() / f"kafka-{KAFKA_VERSION}.classpath"
    return known.exists() and _complete(known.read_text())


def cache_folder() -> Path:
    """Where the jars are kept, shared by all clones of a user (XDG base directory specification)."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "slotwire"


def _fetch(folder: Path, tell: Callable[[str], None]) -> Path:
    command = [sys.executable, "-m", "jgo", "--resolver", "python", "--color", "plain"]
    command += ["--cache-dir", str(folder / "jgo"), "--repo-cache", str(folder / "maven")]
    lines: list[str] = []
    with subprocess.Popen(  # noqa: S603 - our own command
        [*command, "info", "envdir", "+".join(COORDINATES)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as resolver:
        for line in resolver.stdout or ():
            lines.append(line.strip())
            if line.startswith("Downloading"):
                tell(line.split()[1])
    if resolver.returncode != 0:
        raise FetchError("\n".join(["Kafka's jars could not be fetched:", *lines[-8:]]))
    return Path(lines[-1])


def _class_path(environment: Path) -> str:
    jars = [*environment.glob("jars/*.jar"), *environment.glob("modules/*.jar")]
    return os.pathsep.join(str(jar) for jar in sorted(jars))


def _complete(class_path: str) -> bool:
    return bool(class_path) and all(Path(jar).exists() for jar in class_path.split(os.pathsep))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Two first starts at once fetch once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
