"""`python -m chaos`: one run, its findings, and an exit status that tells whether it was good.

Invariant: a bad run leaves its logs and its evidence behind, and says where. SIGINT and SIGTERM end one in order, so
that no process and no temporary folder is left.
"""

import argparse
import asyncio
import logging
import pickle
import random
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chaos.checks import findings
from chaos.run import Ran, run
from chaos.verdict import reasons, report
from devstack.ending import end_on_signals

_KEPT = Path(".slotwire/chaos")
_BESIDE_SECONDS = 600.0
"""What all that is no load may take at most; it takes some 40 seconds on a machine that has nothing else to do."""
_INTERRUPTED = 130


def main(words: list[str] | None = None) -> int:
    """Have a run as the words of the command line say; answers the exit status."""
    parser = argparse.ArgumentParser(prog="python -m chaos", description="The whole system under load and faults.")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="repeats the schedule of faults")
    parser.add_argument("--duration", type=float, default=120.0, help="seconds of load and faults")
    parser.add_argument("--keep", action="store_true", help="keep logs and evidence of a good run, too")
    given = parser.parse_args(words)
    try:
        return once(given.seed, given.duration, _KEPT / f"seed-{given.seed}", keeps=given.keep)
    except KeyboardInterrupt:
        _say("Interrupted: it proves nothing.")
        return _INTERRUPTED


def once(seed: int, duration: float, folder: Path, *, keeps: bool = False) -> int:
    """Have a run, and print all of it; what a bad one leaves behind is kept in the folder, of a good one if asked."""
    _say(f"seed {seed}, {duration:g} seconds")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    ran = _ran(seed, duration, folder)
    (folder / "evidence.pickle").write_bytes(pickle.dumps(ran.evidence))
    told, found = ran.evidence.told, findings(ran.evidence)
    _say(*report(told, found, ran.journal.undone, ran.journal.notes))
    bad = reasons(told, found, ran.left, ran.journal.undone)
    if bad:
        _say("", *bad, "", f"BAD. Its faults again: make chaos SEED={seed} DURATION={duration:g}")
    else:
        _say("", f"Nothing wrong. Seed {seed}.")
    if bad or keeps:
        _say(f"Logs and evidence: {folder.absolute()}")
    else:
        shutil.rmtree(folder)
    return 1 if bad else 0


def _ran(seed: int, duration: float, folder: Path) -> Ran:
    """Have a run, and say where its logs are if it does not come to its end.

    Raises:
        KeyboardInterrupt: it was interrupted, and ended in order.
        TimeoutError: it took too long.
    """
    try:
        with _logged(folder / "run.log"):
            return asyncio.run(_bounded(seed, duration, folder))
    except BaseException as error:
        _say(f"Logs: {folder.absolute()}")
        if isinstance(error, asyncio.CancelledError):
            raise KeyboardInterrupt from error
        raise


async def _bounded(seed: int, duration: float, folder: Path) -> Ran:
    running = asyncio.create_task(run(seed, duration, folder))
    end_on_signals(running)
    async with asyncio.timeout(duration + _BESIDE_SECONDS):
        return await running


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    """Have what libraries of the run itself log written to a file, for the block."""
    handler = logging.FileHandler(path)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
