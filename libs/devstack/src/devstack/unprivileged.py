"""Running as somebody else: PostgreSQL refuses to run as root, so root runs it as `nobody`.

Invariant: no existing file or folder gets wider permissions, and no user is made. What `nobody` cannot reach (a clone
below /root, say) is placed under `/var/lib/slotwire` and linked to.
"""

import hashlib
import os
import pwd
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

SHARED = Path("/var/lib/slotwire")
READABLE_FOLDER, READABLE_FILE = 0o755, 0o644


def server_owner() -> tuple[int, int] | None:
    """The (uid, gid) that PostgreSQL must run as, or None to stay who we are."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def reachable_home(home: Path, owner: tuple[int, int] | None) -> Path:
    """Make `home` a folder of `owner`; the path under which `owner` reaches it.

    If `owner` may not pass the folders above, the folder is made under `/var/lib/slotwire` and `home` links to it.
    """
    home.parent.mkdir(parents=True, exist_ok=True)
    if owner is None or home.is_symlink() or _passable(home.parent):
        target = home.resolve()
    else:
        target = _shared() / hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:16]
        home.symlink_to(target)
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    if owner is not None:
        os.chown(target, *owner)
    return target


def reachable_install(site: Path, folders: Sequence[str], version: str, owner: tuple[int, int] | None) -> Path:
    """The folder `site` itself, or a copy of its `folders` under the same names that `owner` can read and run."""
    if owner is None or all(_passable(path) for path in _existing(site, folders)):
        return site
    copy = _shared() / version
    if not copy.exists():
        scratch = SHARED / f"{version}.{os.getpid()}"
        for folder in _existing(site, folders):
            shutil.copytree(folder, scratch / folder.relative_to(site), symlinks=True)
        for path in [scratch, *scratch.rglob("*")]:
            path.chmod(READABLE_FOLDER if path.is_dir() or os.access(path, os.X_OK) else READABLE_FILE)
        scratch.rename(copy)
    return copy


def _shared() -> Path:
    SHARED.mkdir(parents=True, exist_ok=True)
    SHARED.chmod(READABLE_FOLDER)  # it is ours, and the umask must not close it
    return SHARED


def _existing(site: Path, folders: Sequence[str]) -> list[Path]:
    return [site / folder for folder in folders if (site / folder).exists()]


def _passable(folder: Path) -> bool:
    """Whether anybody may pass through `folder` and every folder above it."""
    resolved = folder.resolve()
    return all(part.stat().st_mode & stat.S_IXOTH for part in [resolved, *resolved.parents])
