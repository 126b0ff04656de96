"""How faust keeps a table: each change of it in a changelog, from which it is recovered.

Invariant: what was sent to a changelog is known to be there, or to have failed; a recovery ends, or fails.
"""

import asyncio
from typing import Any

from faust.tables import recovery
from faust.transport.drivers import aiokafka
from faust.types import FutureMessage


class Producer(aiokafka.Producer):
    """Faust's producer, but that it can be asked whether all that was sent has arrived.

    By itself faust flushes what it can within a moment, and only logs what fails.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._sending: set[FutureMessage] = set()
        self._failure: BaseException | None = None

    def send_soon(self, fut: FutureMessage) -> None:
        """Send a change of a table."""
        self._sending.add(fut)
        fut.add_done_callback(self._sent)
        super().send_soon(fut)

    async def settle(self) -> None:
        """Wait until all that was sent is acknowledged.

        Raises:
            Exception: why something of it, or of what was sent before, never will be.
        """
        if self._sending:
            await asyncio.wait(self._sending)
        if self._failure is not None:
            raise self._failure

    def _sent(self, fut: Any) -> None:
        self._sending.discard(fut)
        if not fut.cancelled() and fut.exception() is not None:
            self._failure = fut.exception()


class Recovery(recovery.Recovery):
    """Faust's recovery of tables, but that it fails where faust gives up in silence, and recovers none from then on."""

    async def _wait(self, coro: Any, timeout: Any = None) -> None:  # noqa: ASYNC109 - faust calls it so
        async with asyncio.timeout(timeout):
            await super()._wait(coro)
