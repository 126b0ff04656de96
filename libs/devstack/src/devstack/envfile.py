"""The env file: `export NAME='value'` lines, so that a shell or a script can source the running stack.

Invariant: a reader sees a whole file or none, and only its owner can read it (it holds the demo key).
"""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from devstack.record import write_atomically


def write_env(path: Path, values: Mapping[str, str]) -> None:
    """Write the values as lines that POSIX shells source."""
    write_atomically(path, "".join(f"export {name}='{_quoted(value)}'\n" for name, value in values.items()))


def read_env(path: Path) -> dict[str, str]:
    """The values of an env file; empty if there is none."""
    if not path.exists():
        return {}
    words = shlex.split(path.read_text(), comments=True)
    return dict(word.split("=", 1) for word in words if "=" in word)


def setting(name: str, path: Path) -> str | None:
    """A setting from the environment, else from the env file of the running stack."""
    return os.environ.get(name) or read_env(path).get(name)


def _quoted(value: str) -> str:
    return value.replace("'", "'\"'\"'")
