"""Writes the OpenAPI document of all services, or checks that the written one is up to date.

    python -m devstack.openapi [--check] [--out FILE]

Invariant: the file is a function of what the services say of themselves; running it twice changes nothing. No server
is asked for it.
"""

import argparse
import base64
import difflib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from devstack.merging import Document, merge
from devstack.services import SERVICES, Service
from slotwire_contracts.generate import SCHEMAS
from slotwire_contracts.operations import FILE_NAME

DOCUMENT = SCHEMAS / FILE_NAME
"""Where the document lies in a checkout: beside that of the topics."""

_KEY = base64.b64encode(bytes(32)).decode()
# A service needs its settings even to be composed; none of these is used.
_SETTINGS = {
    "SLOTWIRE_POSTGRES_URL": "postgresql://nobody@127.0.0.1",
    "SLOTWIRE_KAFKA_BOOTSTRAP": "127.0.0.1:9",
    "SLOTWIRE_SECRET_KEY": _KEY,
    "SLOTWIRE_SERVICE_KEY": _KEY,
    "SLOTWIRE_BOOKING_URL": "http://127.0.0.1:9",
}
_DESCRIPTION = (
    "Everything that Slotwire's services answer over HTTP, behind one address."
    " What holds for all operations is in docs/api.md."
)


def generate() -> str:
    """Make the document's text.

    Raises:
        CalledProcessError: a service could not be asked; it has printed why.
        MergeError: as `text_of` says.
    """
    with ThreadPoolExecutor() as asking:
        told = dict(zip((service.name for service in SERVICES), asking.map(_ask, SERVICES), strict=True))
    return text_of(told)


def text_of(told: Mapping[str, Document]) -> str:
    """Make the document's text of what each service says of itself.

    Raises:
        MergeError: it does not go together.
    """
    return json.dumps(merge(told, title="Slotwire", description=_DESCRIPTION), indent=2) + "\n"


def _ask(service: Service) -> Any:
    env = {name: value for name, value in os.environ.items() if not name.startswith("SLOTWIRE_")} | _SETTINGS
    told = subprocess.run(service.describe or (), env=env, stdout=subprocess.PIPE, check=True)  # noqa: S603 - ours
    return json.loads(told.stdout)


def drift(file: Path, wanted: str) -> Iterator[str]:
    """Compare a file with the document's text; answers the lines of a unified diff, none when they agree."""
    present = file.read_text() if file.exists() else ""
    return difflib.unified_diff(
        present.splitlines(keepends=True), wanted.splitlines(keepends=True), "committed", "generated"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; answers 1 when `--check` finds a difference, which it prints."""
    parser = argparse.ArgumentParser(prog="devstack.openapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; tell what differs")
    parser.add_argument("--out", type=Path, default=DOCUMENT, metavar="FILE", help="where the document lies")
    options = parser.parse_args(arguments)
    wanted = generate()
    if not options.check:
        options.out.write_text(wanted)
        return 0
    difference = list(drift(options.out, wanted))
    sys.stdout.writelines(difference)
    return 1 if difference else 0


if __name__ == "__main__":
    sys.exit(main())
