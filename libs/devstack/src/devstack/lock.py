"""Whether a stack is up, asked of its lock: `python3 -I -S lock.py PATH` exits with 1 while it is held.

Invariant: the answer is true however a supervisor ended, because the system frees a lock with its process. This needs
the standard library alone, so that `make clean` can ask before and after there is an environment.
"""

import fcntl
import sys
from pathlib import Path


def is_held(path: Path) -> bool:
    """Whether a process holds the lock on `path`."""
    if not path.exists():
        return False
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


if __name__ == "__main__":
    sys.exit(is_held(Path(sys.argv[1])))
