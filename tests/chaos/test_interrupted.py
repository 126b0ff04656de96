"""A run that is interrupted: neither a process nor a folder is left of it."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from support.servers import open_folder
from support.waiting import eventually

INTERRUPTED = 130


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_run_that_is_told_to_end_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    """It is told so while its servers start."""
    with open_folder() as temporary:
        path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
        env = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": path}
        run = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "chaos", "--seed", "1", cwd=tmp_path, env=env, stdout=asyncio.subprocess.PIPE
        )

        async def has_begun() -> bool:
            return any(temporary.glob("slotwire-tests-*/kafka/records"))

        try:
            await eventually(has_begun)
            family = psutil.Process(run.pid).children(recursive=True)
            run.send_signal(number)
            told, _ = await asyncio.wait_for(run.communicate(), 60)
        finally:
            if run.returncode is None:
                run.kill()
                await run.wait()
        assert (run.returncode, told.decode().splitlines()[-1]) == (INTERRUPTED, "Interrupted: it proves nothing.")
        assert family
        assert not [one for one in family if one.is_running()]
        assert list(temporary.iterdir()) == []
