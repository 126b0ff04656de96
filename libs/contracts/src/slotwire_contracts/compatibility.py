"""Finds changes of the published files that a consumer or a caller made for the older ones could not take.

    python -m slotwire_contracts.compatibility OLD_DIR NEW_DIR

`schemas/baseline` is a copy of what was published last; a release, or a break that is meant, makes it anew.

Invariant: no finding means that such a consumer keeps reading every topic and every type that it knew, and that such a
caller keeps being answered.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from slotwire_contracts import asyncapi, operations, readability
from slotwire_contracts.comparing import Finding

__all__ = ["compare", "main"]


def compare(old: Path, new: Path) -> Iterator[Finding]:
    """Compare two folders of generated files.

    Args:
        old: what consumers and callers were made for.
        new: what is to be published.

    Raises:
        FileNotFoundError: `old` has no files, so that there is nothing to compare with.
    """
    names = sorted(path.name for path in old.glob("*.json"))
    if not names:
        raise FileNotFoundError(f"{old} has no schemas")
    for name in names:
        if not (new / name).exists():
            yield Finding(name, "is gone")
            continue
        before, after = _read(old / name), _read(new / name)
        if name == asyncapi.FILE_NAME:
            yield from _topics(before, after)
        elif name == operations.FILE_NAME:
            yield from operations.findings(before, after)
        else:
            yield from readability.findings(before, after, name)


def _topics(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Finding]:
    for name, channel in old["channels"].items():
        present = new["channels"].get(name)
        if present is None:
            yield Finding(name, "the topic is gone")
            continue
        for kind in sorted(channel.get("messages", {}).keys() - present.get("messages", {}).keys()):
            yield Finding(name, f"carries {kind} no more")
        if _partitions(channel) != _partitions(present):
            # A key moves to another partition then, and its records overtake each other.
            yield Finding(name, "has another number of partitions")


def _partitions(channel: dict[str, Any]) -> object:
    return channel["bindings"]["kafka"]["partitions"]


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; answers 1 when there are findings, which it prints."""
    parser = argparse.ArgumentParser(prog="slotwire_contracts.compatibility", description=__doc__)
    parser.add_argument("old", type=Path, metavar="OLD_DIR", help="the files that others were made for")
    parser.add_argument("new", type=Path, metavar="NEW_DIR", help="the files to be published")
    options = parser.parse_args(arguments)
    try:
        found = list(compare(options.old, options.new))
    except FileNotFoundError as error:
        parser.error(str(error))
    sys.stdout.writelines(f"{finding}\n" for finding in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
