"""A short run of the whole, with a seed whose schedule ends both servers and two services, and finds nothing wrong."""

from pathlib import Path

import pytest

from chaos.__main__ import once

SEED, SECONDS = 171, 20.0
DONE = ("kill postgres", "restart kafka", "kill booking-1", "pause webhook_dispatcher-1", "poison booking.events")


@pytest.mark.timeout(240)
def test_a_run_finds_nothing_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = once(SEED, SECONDS, tmp_path / "run")
    printed = capsys.readouterr().out
    assert status == 0, printed
    assert [done for done in DONE if f" {done}, well again after" not in printed] == []
    assert printed.endswith(f"Nothing wrong. Seed {SEED}.\n")
