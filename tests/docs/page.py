"""A page of the documentation as a row of blocks, each with the part it plays when the page is run.

Invariant: every fenced block plays exactly one part; one that is not run says why in its own first line.

The line that opens a fence tells the part; readers see only its effect on colours:

    ```sh                        run in the page's terminal, after all before it
    ```sh terminal=NAME          started in another terminal, where it stays until the next block for that terminal
    ```json  or  ```text         what the `sh` block before it prints
    ```text terminal=NAME        what the other terminal prints, sooner or later
    ```LANGUAGE file=NAME        a file, written into the folder where the page's terminals stand
    ```LANGUAGE not run: REASON

`needs=PROGRAM` lets a block be left out on a machine without that program.
"""

import re
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
OUTPUTS = frozenset({"json", "text"})


class PageError(ValueError):
    """A block plays no part that is known; the message says where."""


@dataclass(frozen=True)
class Block:
    """Common to all parts: where it stands, its text, and the program without which it is left out."""

    place: str
    text: str
    needs: str | None = None


@dataclass(frozen=True)
class Commands(Block):
    """Typed into a terminal; the page's own one if it has no name."""

    terminal: str | None = None


@dataclass(frozen=True)
class Output(Block):
    """Printed in a terminal."""

    language: str = "text"
    terminal: str | None = None


@dataclass(frozen=True)
class File(Block):
    """Saved under a name."""

    name: str = ""


@dataclass(frozen=True)
class NotRun(Block):
    """Only to be read."""

    reason: str = ""


Part = Commands | Output | File | NotRun


def blocks(page: Path) -> list[Part]:
    """The blocks of a page in their order.

    Raises:
        PageError: a block plays no part that is known.
    """
    markdown = page.read_text()
    found = len(FENCE.findall(markdown))
    if markdown.count("```") != 2 * found:
        raise PageError(f"{page.name}: a fence that does not open and close at the start of a line")
    return [
        _part(f"{page.name}:{markdown[: fence.start()].count(chr(10)) + 1}", fence["info"], fence["text"])
        for fence in FENCE.finditer(markdown)
    ]


def _part(place: str, info: str, text: str) -> Part:
    told, _, reason = info.partition("not run:")
    if reason.strip():
        return NotRun(place, text, reason=reason.strip())
    language, *words = told.split() or [""]
    options = dict(word.split("=", 1) for word in words if "=" in word)
    needs, terminal, name = (options.pop(option, None) for option in ("needs", "terminal", "file"))
    if options or not all("=" in word for word in words):
        raise PageError(f"{place}: cannot tell what `{info}` means")
    if name is not None:
        return File(place, text, needs, name)
    if language == "sh":
        return Commands(place, text, needs, terminal)
    if language in OUTPUTS:
        return Output(place, text, needs, language, terminal)
    raise PageError(f"{place}: `{info}` is neither run, nor written to a file, nor an output, nor says why not")
