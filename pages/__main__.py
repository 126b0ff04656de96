"""Writes the sections of the documentation that tell of the code and of measures, or checks that they are current.

python -m pages [--check]
"""

import argparse
import difflib
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pages import capacity, figures, settings
from pages.sections import filled

DOCS = Path(__file__).parents[1] / "docs"
PAGES = ("operating.md", "scaling.md")


def written() -> dict[str, str]:
    """Write every section.

    Raises:
        FigureError: the last benchmark lacks a figure.
    """
    report = figures.latest()
    return {
        "settings": settings.tables(),
        "measured": capacity.measured(report),
        "needed": capacity.needed(report),
        "steps": capacity.steps(report),
    }


def drift(page: Path, sections: Mapping[str, str]) -> Iterator[str]:
    """Compare a page with what it should be; answers the lines of a unified diff, none when they agree."""
    present = page.read_text()
    wanted = filled(present, sections)
    return difflib.unified_diff(
        present.splitlines(keepends=True), wanted.splitlines(keepends=True), f"{page.name} as it is", "generated"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; answers 1 when `--check` finds a difference, which it prints."""
    parser = argparse.ArgumentParser(prog="pages", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; tell what differs")
    check = parser.parse_args(arguments).check
    sections, pages = written(), [DOCS / page for page in PAGES]
    if check:
        difference = [line for page in pages for line in drift(page, sections)]
        sys.stdout.writelines(difference)
        return 1 if difference else 0
    for page in pages:
        page.write_text(filled(page.read_text(), sections))
    return 0


if __name__ == "__main__":
    sys.exit(main())
