"""The folder `.slotwire/`: everything one clone's stack keeps, under one name each.

Invariant: whatever holds a secret (the env file, the demo key, the services' keys) is readable by its owner alone.
"""

import base64
import secrets
from dataclasses import dataclass
from pathlib import Path

from devstack.record import write_atomically

KEY_BYTES = 32
DEFAULT_DATA = Path(".slotwire")


@dataclass(frozen=True)
class Folder:
    """Paths of one stack; nothing is made before it is written."""

    root: Path

    @property
    def data(self) -> Path:
        """The embedded servers' data."""
        return self.root / "data"

    @property
    def env(self) -> Path:
        """What a shell sources while the stack is up; it is gone while it is down."""
        return self.root / "env"

    @property
    def demo(self) -> Path:
        """The demo organization, its key and its schedule: kept while down, because a key is shown once."""
        return self.root / "demo.json"

    @property
    def ports(self) -> Path:
        """The gateway's and services' ports, kept for the next start."""
        return self.root / "ports.json"

    @property
    def supervisor(self) -> Path:
        """The record of the running supervisor."""
        return self.root / "supervisor.json"

    @property
    def processes(self) -> Path:
        """The process of each server and service by name (see `record`), rewritten whenever one is started."""
        return self.root / "processes.json"

    @property
    def lock(self) -> Path:
        """What the running supervisor holds a lock on, so that there is one (see `lock`)."""
        return self.root / "lock"

    @property
    def summary(self) -> Path:
        """What the running supervisor told of itself, for a second `up`."""
        return self.root / "summary"

    @property
    def log(self) -> Path:
        """What a detached supervisor prints."""
        return self.root / "up.log"

    def make(self) -> None:
        """Make the folder; others may pass it (root's PostgreSQL runs as `nobody`) but not list it."""
        self.root.mkdir(mode=0o711, parents=True, exist_ok=True)

    def secret_key(self) -> str:
        """The key for secrets at rest, made once: base64 of 32 random bytes."""
        return self._key("secret-key")

    def service_key(self) -> str:
        """The key that the services call each other with, made once: base64 of 32 random bytes."""
        return self._key("service-key")

    def _key(self, name: str) -> str:
        path = self.root / name
        if not path.exists():
            write_atomically(path, base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode())
        return path.read_text()
