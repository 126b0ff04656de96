"""Requests that stand still at Cal.com until a test lets them go, so that who asks can be met in the middle of it.

Invariant: a request that stands still has come, and nothing of its answer is there; one whose caller dies is gone.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol


class Passed(Protocol):
    """What every request passes by."""

    async def pass_by(self, path: str) -> None:
        """Let a request pass, now or later."""


@dataclass
class Halt:
    """A request to a path that begins so, behind so many others that pass."""

    path: str
    passing: int = 0
    _met: asyncio.Event = field(default_factory=asyncio.Event)
    _goes_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def met(self) -> None:
        """Wait until it stands still.

        Raises:
            TimeoutError: there was none within 30 seconds.
        """
        async with asyncio.timeout(30):
            await self._met.wait()

    def let_go(self) -> None:
        """Have it answered."""
        self._goes_on.set()

    async def pass_by(self, path: str) -> None:
        """Let a request pass, or stand still until it may go on."""
        if self._met.is_set() or not path.startswith(self.path):
            return
        if self.passing:
            self.passing -= 1
            return
        self._met.set()
        await self._goes_on.wait()
