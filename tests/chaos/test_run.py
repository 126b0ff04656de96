"""A short run of the whole, with a seed whose schedule ends both servers and two services: nothing is wrong then."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos.__main__ import once

SEED, SECONDS = 171, 20.0
DONE = ("kill postgres", "restart kafka", "kill booking-1", "pause webhook_dispatcher-1", "poison booking.events")
PAGE = Path(__file__).parents[2] / "docs/chaos.md"
SHOWN = re.compile(r"^```text.*\n((?:.*\n)*?)```$", re.MULTILINE)
NUMBER = re.compile(r"(?<![A-Z\d])\d+(?:\.\d+)?")  # but for those of the promises


@pytest.mark.timeout(240)
def test_a_run_finds_nothing_wrong_and_prints_what_its_page_shows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = once(SEED, SECONDS, tmp_path / "run")
    printed = capsys.readouterr().out
    assert status == 0, printed
    assert [done for done in DONE if f" {done}, well again after" not in printed] == []
    (shown,) = SHOWN.findall(PAGE.read_text())
    lines = shapes(printed)
    assert [line for line in shapes(shown) if line != "…" and line not in lines] == [], printed
    assert not (tmp_path / "run").exists()


def shapes(text: str) -> Iterator[str]:
    """Go through lines without what changes from run to run: numbers, and which statuses there were."""
    for line in text.splitlines():
        yield " ".join(NUMBER.sub("0", re.sub(r"\(.*\)", "()", line)).split())
