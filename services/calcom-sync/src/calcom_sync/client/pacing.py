"""Not asking too often: Cal.com locks out for a minute whoever does (scheduling.md section 1, "Rate limits").

Invariant: between two requests with one key lies the pace at least, whoever makes them in this process, and none goes
out while the key is known to be locked out.
"""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, field

_KEPT = 10_000  # keys of which it is known when they asked last


@dataclass
class _Gate:
    free_at: float = 0.0  # by time.monotonic
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Pacer:
    """Lets requests pass, one behind the other for each key.

    Args:
        seconds: the pace.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._gates: OrderedDict[str, _Gate] = OrderedDict()

    async def turn(self, key: str) -> None:
        """Wait until a key may ask."""
        gate = self._gate(key)
        async with gate.turn:
            while (left := gate.free_at - time.monotonic()) > 0:  # noqa: ASYNC110 - it waits for the time itself
                await asyncio.sleep(left)
            gate.free_at = time.monotonic() + self._seconds

    def left(self, key: str) -> float:
        """Tell for how many seconds a key may not ask; zero or less: it may."""
        return self._gate(key).free_at - time.monotonic()

    def lock_out(self, key: str, seconds: float) -> None:
        """Let a key wait for so long at least."""
        gate = self._gate(key)
        gate.free_at = max(gate.free_at, time.monotonic() + seconds)

    def _gate(self, key: str) -> _Gate:
        gate = self._gates.setdefault(key, _Gate())
        self._gates.move_to_end(key)
        while len(self._gates) > _KEPT:
            self._gates.popitem(last=False)
        return gate
