"""Processes that end though nobody ended them: they are written down, and started again as a supervisor would.

Invariant: a part whose lock is held is in the hands of a fault, and no death of its own.
"""

from chaos.evidence import Death
from chaos.journal import Journal
from chaos.parts import Part
from chaos.stage import Stage
from chassis.clock import utc_now
from chassis.lifecycle import Stop
from devstack.server import log_tail

_LOOK_SECONDS = 0.2
_LINES = 20


async def watch(stage: Stage, journal: Journal, over: Stop) -> None:
    """Look after all parts until the end."""
    while not await over.wait(_LOOK_SECONDS):
        for part in stage.parts.values():
            if not part.lock.locked() and not part.process.running:
                with journal.minding(f"starting {part.name} again"):
                    await _again(part, journal)


def note_death(part: Part, journal: Journal) -> None:
    """Write down a part that has ended by itself; whoever asks holds its lock."""
    if not part.process.running:
        journal.deaths.append(Death(part.name, utc_now(), log_tail(part.log, _LINES)))


async def _again(part: Part, journal: Journal) -> None:
    async with part.lock:
        note_death(part, journal)
        await part.stop()  # what is left of it: its leash, its children
        await part.start()
