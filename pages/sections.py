"""Sections of a page that the program writes: between `<!-- made: NAME -->` and `<!-- end -->`.

Invariant: nothing outside the marks changes, and what is written again is the same.
"""

import re
from collections.abc import Mapping

_SECTION = re.compile(r"^<!-- made: (?P<name>[a-z-]+) -->\n(?P<text>.*?)^<!-- end -->$", flags=re.MULTILINE | re.DOTALL)


class SectionError(Exception):
    """A page has marks that do not go together, or a section that nobody writes."""


def filled(page: str, sections: Mapping[str, str]) -> str:
    """Write a page's sections anew.

    Args:
        page: its text.
        sections: the text of each section that can be written, by its name.

    Raises:
        SectionError: as the class says.
    """
    found = [section["name"] for section in _SECTION.finditer(page)]
    if page.count("<!-- made:") != len(found) or page.count("<!-- end -->") != len(found):
        raise SectionError("a section that does not begin and end on lines of their own")
    if unknown := set(found) - sections.keys():
        raise SectionError(f"nobody writes the section {', '.join(sorted(unknown))}")
    return _SECTION.sub(lambda one: f"<!-- made: {one['name']} -->\n{sections[one['name']]}<!-- end -->", page)


def table(*rows: tuple[str, ...]) -> str:
    """Lay out a table; the first row is its heading."""
    heading, *rest = rows
    lines = [heading, tuple("---" for _ in heading), *rest]
    return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n"
