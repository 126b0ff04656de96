"""What the last benchmark measured, for the arithmetic of the pages.

Invariant: a figure that was not measured is an error, never a guess.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REPORT = Path(__file__).parents[1] / "bench" / "reports" / "latest.json"


class FigureError(Exception):
    """The report lacks a figure; the message names it."""


@dataclass(frozen=True)
class Figures:
    """The figures of a report, by their names there."""

    values: Mapping[str, float]

    def __getitem__(self, name: str) -> float:
        """Answer a figure.

        Raises:
            FigureError: it was not measured.
        """
        if name not in self.values:
            raise FigureError(f"{REPORT.name} has no figure {name}")
        return self.values[name]


def latest() -> Figures:
    """Read the last report."""
    return Figures(json.loads(REPORT.read_text())["figures"])


def told(number: float) -> str:
    """Write a number as the pages do: no more digits than were measured well."""
    if number >= 100:  # noqa: PLR2004 - from here on a fraction says nothing
        return f"{number:,.0f}"
    return f"{number:.3g}"
