"""`make clean` is refused as long as a supervisor lives, and only so long."""

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

from devstack.folder import Folder
from devstack.lock import is_held

ROOT = Path(__file__).parents[2]
MAKE = shutil.which("make") or ""

needs_make = pytest.mark.skipif(not MAKE, reason="needs make")


@pytest.fixture
def clone(tmp_path: Path) -> Folder:
    """The folder of a clone that has this one's Makefile and programs."""
    for name in ("Makefile", "libs"):
        (tmp_path / name).symlink_to(ROOT / name)
    folder = Folder(tmp_path / ".slotwire")
    folder.make()
    return folder


def clean(clone: Folder) -> subprocess.CompletedProcess[str]:
    return subprocess.run([MAKE, "clean"], cwd=clone.root.parent, capture_output=True, text=True, check=False)


def test_a_lock_is_held_until_it_is_let_go(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_held(path)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert is_held(path)
    assert not is_held(path)


@needs_make
def test_clean_is_refused_while_a_stack_starts(clone: Folder) -> None:
    with clone.lock.open("w") as lock:  # what a starting supervisor has, long before there is an env file
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = clean(clone)
    assert refused.returncode != 0
    assert "make down first" in refused.stderr
    assert clone.root.exists()


@needs_make
def test_clean_is_not_refused_for_what_a_killed_supervisor_left(clone: Folder) -> None:
    clone.lock.touch()
    clone.env.touch()
    done = clean(clone)
    assert done.returncode == 0, done.stderr
    assert not clone.root.exists()
