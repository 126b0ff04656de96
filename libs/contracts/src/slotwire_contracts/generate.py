"""Writes the JSON Schemas and the AsyncAPI document, or checks that the written ones are up to date.

    python -m slotwire_contracts.generate [--check] [--out DIR]

Invariant: the files are a function of the models alone; running it twice changes nothing. The OpenAPI document beside
them is made from the services, and so not here.
"""

import argparse
import difflib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from slotwire_contracts import asyncapi, operations, schemas

__all__ = ["SCHEMAS", "drift", "generate", "main"]

SCHEMAS = Path(__file__).parents[2] / "schemas"
"""Where the files lie in a checkout: beside the sources of this package."""


def generate() -> Mapping[str, str]:
    """Make every file: its text by its name."""
    made = {**dict(schemas.documents()), asyncapi.FILE_NAME: asyncapi.document()}
    return {name: json.dumps(content, indent=2) + "\n" for name, content in made.items()}


def drift(folder: Path) -> Iterator[str]:
    """Compare a folder's files with what the models give.

    Args:
        folder: where the files lie.

    Yields:
        The lines of a unified diff; none when they agree.
    """
    wanted = generate()
    for name in sorted(wanted.keys() | _ours(folder)):
        path = folder / name
        present = path.read_text() if path.exists() else ""
        yield from difflib.unified_diff(
            present.splitlines(keepends=True),
            wanted.get(name, "").splitlines(keepends=True),
            f"committed/{name}",
            f"generated/{name}",
        )


def _ours(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.json")} - {operations.FILE_NAME}


def _write(folder: Path) -> None:
    wanted = generate()
    folder.mkdir(parents=True, exist_ok=True)
    for stale in _ours(folder) - wanted.keys():
        (folder / stale).unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; answers 1 when `--check` finds a difference, which it prints."""
    parser = argparse.ArgumentParser(prog="slotwire_contracts.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; tell what differs")
    parser.add_argument("--out", type=Path, default=SCHEMAS, metavar="DIR", help="where the files lie")
    options = parser.parse_args(arguments)
    if not options.check:
        _write(options.out)
        return 0
    difference = list(drift(options.out))
    sys.stdout.writelines(difference)
    return 1 if difference else 0


if __name__ == "__main__":
    sys.exit(main())
