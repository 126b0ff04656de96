"""Every page does what it says: its commands succeed and print what it shows."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.ports import free_port
from docs.calcom import serving
from docs.conftest import ROOT, reader_environment
from docs.page import blocks
from docs.run import Run
from docs.terminal import Terminal

PORTS = ("9000", "9001", "9002")  # of the pages; this machine may need them for something else
CALCOM = "https://api.cal.com"
PAGES = (
    "README.md",
    "docs/quickstart.md",
    "docs/booking.md",
    "docs/waitlist.md",
    "docs/availability.md",
    "docs/api.md",
    "docs/sync-reservations.md",
    "docs/calcom.md",
    "docs/webhooks.md",
    "docs/operating-webhooks.md",
    "docs/consume-the-streams.md",
    "docs/observability.md",
    "docs/operating.md",  # the last: it loses what the topics hold
)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


@pytest.fixture(scope="session")
def calcom_url() -> Iterator[str]:
    """Where the pages' Cal.com is."""
    with serving() as url:
        yield url


@pytest.mark.skipif(shutil.which("curl") is None, reason="the pages' commands need curl")
@pytest.mark.parametrize("page", PAGES)
def test_a_page_does_what_it_shows(page: str, running_clone: Path, calcom_url: str, tmp_path: Path) -> None:
    env, names = reader_environment(), {port: str(free_port()) for port in PORTS} | {CALCOM: calcom_url}
    with Terminal(running_clone, env) as terminal:
        run = Run(running_clone, env, terminal, tmp_path, names)
        try:
            for block in blocks(ROOT / page):
                run.play(block)
        finally:
            run.end()
    if run.left_out:
        pytest.skip(f"all but the blocks that need what this machine lacks: {', '.join(sorted(run.left_out))}")


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))])
def test_links_lead_somewhere(page: str) -> None:
    path = ROOT / page
    assert [link for link in LINK.findall(path.read_text()) if not (path.parent / link).exists()] == []
