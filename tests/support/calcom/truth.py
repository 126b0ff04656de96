"""What became of every appointment, by what the test itself did: what an exact sync must know.

Invariant: nothing here reads the API, so its defects cannot reach it.
"""

from dataclasses import dataclass

from support.calcom.life import Chain, Life
from support.calcom.rows import Booking


@dataclass(frozen=True)
class Fate:
    """How an appointment ended up: its last row, which may have been deleted."""

    chain: Chain
    booking: Booking
    is_deleted: bool


def fates(life: Life) -> dict[str, Fate]:
    """Tell the fate of every appointment by its chain's id."""
    return {chain.id: _fate(life, chain) for chain in life.chains()}


def _fate(life: Life, chain: Chain) -> Fate:
    last = chain.uids[-1]
    return Fate(chain, life.last_row(last), is_deleted=life.row(last) is None)
