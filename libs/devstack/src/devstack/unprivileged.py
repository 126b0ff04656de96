"""Running as somebody else: PostgreSQL refuses to run as root, so root runs it as `nobody`.

Invariant: no existing file or folder gets wider permissions, and no user is made. What `nobody` cannot reach (a clone
below /root, say) is placed under `/var/lib/slotwire` and linked to.
"""

import hashlib
import os
import pwd
import shutil
import stat
from pathlib import Path

SHARED = Path("/var/lib/slotwire")


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
        target = SHARED / hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:16]
        home.symlink_to(target)
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    if owner is not None:
        os.chown(target, *owner)
    return target


def reachable_install(install: Path, version: str, owner: tuple[int, int] | None) -> Path:
    """The installed folder itself, or a copy of it that `owner` can read and run."""
    if owner is None or _passable(install / "bin"):
        return install
    copy = SHARED / version
    if not copy.exists():
        scratch = SHARED / f"{version}.{os.getpid()}"
        shutil.copytree(install, scratch, symlinks=True)
        for path in [scratch, *scratch.rglob("*")]:
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044 | (path.stat().st_mode >> 3 & 0o011)))
        scratch.rename(copy)
    return copy


def _passable(folder: Path) -> bool:
    """Whether anybody may pass through `folder` and every folder above it."""
    resolved = folder.resolve()
    return all(part.stat().st_mode & stat.S_IXOTH for part in [resolved, *resolved.parents])
