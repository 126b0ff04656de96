"""Sections are written into pages, and drift is noticed."""

from pathlib import Path

import pytest

from pages.__main__ import drift
from pages.sections import SectionError, filled, table

PAGE = "# A page\n\n<!-- made: one -->\nold\n<!-- end -->\n\nby hand\n\n<!-- made: two -->\n<!-- end -->\n"
SECTIONS = {"one": "new\n", "two": "2\n", "three": "3\n"}
WRITTEN = "# A page\n\n<!-- made: one -->\nnew\n<!-- end -->\n\nby hand\n\n<!-- made: two -->\n2\n<!-- end -->\n"


def test_what_is_between_the_marks_is_written_and_nothing_else() -> None:
    assert filled(PAGE, SECTIONS) == WRITTEN
    assert filled(WRITTEN, SECTIONS) == WRITTEN


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("<!-- made: four -->\n<!-- end -->\n", "four"),
        ("<!-- made: one -->\n", "lines of their own"),
        (" <!-- made: one -->\n<!-- end -->\n", "lines of their own"),
        ("<!-- end -->\n", "lines of their own"),
    ],
)
def test_marks_that_do_not_go_together_are_an_error(page: str, told: str) -> None:
    with pytest.raises(SectionError, match=told):
        filled(page, SECTIONS)


def test_drift_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(WRITTEN)
    assert list(drift(page, SECTIONS)) == []
    page.write_text(WRITTEN.replace("new", "newer"))
    assert "+new\n" in list(drift(page, SECTIONS))


def test_a_table_has_a_heading() -> None:
    assert table(("a", "b"), ("1", "2")) == "\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n"
