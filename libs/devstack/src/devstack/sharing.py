"""Java's class data sharing: what Kafka loads when it starts is kept ready made, which halves the time of a start.

The first broker that ends in good order leaves the archive behind, for all clones of a user. Invariant: an archive is
put in place whole; Java itself passes over one that is of no use to it.
"""

import os
import shutil
from hashlib import sha256
from pathlib import Path

from devstack.jars import KAFKA_VERSION, cache_folder, kafka_class_path
from devstack.java import java

_SILENT = "-Xlog:cds*=off"


def archive() -> Path:
    """Where the archive of this Java and these jars is, or will be."""
    made_of = f"{java()} {java().stat().st_mtime_ns} {kafka_class_path()}"
    return cache_folder() / f"kafka-{KAFKA_VERSION}-{sha256(made_of.encode()).hexdigest()[:16]}.jsa"


def reading() -> list[str]:
    """Flags of a Java that takes what it can from the archive."""
    kept = archive()
    return [f"-XX:SharedArchiveFile={kept}", _SILENT] if kept.exists() else []


def making(draft: Path) -> list[str]:
    """Flags of a Java that leaves a draft of the archive when it ends, unless there is an archive to take from."""
    return reading() or [f"-XX:ArchiveClassesAtExit={draft}", _SILENT]


def keep(draft: Path) -> None:
    """Put a draft in the archive's place, if there is one."""
    if draft.exists():
        kept = archive()
        beside = kept.with_suffix(f".{os.getpid()}")
        shutil.move(draft, beside)
        beside.replace(kept)
