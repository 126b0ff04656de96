"""Looking names up as the machine does, without waiting for those that are not answered.

The system's resolver blocks a thread for as long as it likes. Invariants: a name has one look-up at a time, whoever
asks; names that are not known to resolve never keep those that did from being looked up; nobody waits for longer than
a fixed time.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

_SECONDS = 10.0
_AT_ONCE = 64  # threads for names that resolved the last time, and as many for all others
_REMEMBERED = 100_000

Found = list[tuple[socket.AddressFamily, Any]]
"""Addresses, each with its family, as sockets take them."""

Key = tuple[str, socket.AddressFamily]


def look_up(host: str, family: socket.AddressFamily) -> Found:
    """Ask the system, which may take its time.

    Raises:
        OSError: the name has no address, or nobody could be asked.
    """
    found = socket.getaddrinfo(host, 0, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [(kind, address) for kind, _, _, _, address in found]


class Names(AbstractResolver):
    """Looks names up, each in a thread of its own.

    Args:
        look_up: asks the system; it may block.
        seconds: how long anybody waits.
        at_once: look-ups under way of names that resolved the last time, and as many of all others.
    """

    def __init__(
        self,
        look_up: Callable[[str, socket.AddressFamily], Found] = look_up,
        *,
        seconds: float = _SECONDS,
        at_once: int = _AT_ONCE,
    ) -> None:
        self._look_up = look_up
        self._seconds = seconds
        self._free = {known: asyncio.Semaphore(at_once) for known in (True, False)}
        self._known: set[Key] = set()  # what resolved the last time
        self._under_way: dict[Key, asyncio.Task[Found]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Look a name up, together with whoever else asks for it.

        Raises:
            OSError: it has no address, or nobody has told it in time.
        """
        key = (host, family)
        if key not in self._under_way:
            self._under_way[key] = asyncio.create_task(self._find(key))
            self._under_way[key].add_done_callback(lambda task: self._ended(key, task))
        task = self._under_way[key]
        await asyncio.wait([task], timeout=self._seconds)  # the look-up goes on, for others
        if not task.done():
            raise OSError(f"the name was not looked up within {self._seconds:g} s")
        if task.cancelled():
            raise OSError("names are looked up no more")
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=kind,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, address in task.result()
        ]

    async def close(self) -> None:
        """Forget the look-ups under way; their threads end when the system answers."""
        for task in list(self._under_way.values()):
            task.cancel()

    async def _find(self, key: Key) -> Found:
        async with self._free[key in self._known]:
            return await _in_thread(self._look_up, *key)

    def _ended(self, key: Key, task: asyncio.Task[Found]) -> None:
        del self._under_way[key]
        self._known.discard(key)
        if not task.cancelled() and task.exception() is None and len(self._known) < _REMEMBERED:
            self._known.add(key)


async def _in_thread(call: Callable[[str, socket.AddressFamily], Found], *key: Any) -> Found:
    """Run a call in a thread that the end of the process does not wait for, as it does for those of an executor."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[Found] = loop.create_future()

    def settle(found: Found | None, error: Exception | None) -> None:
        if told.done():
            return
        if error is not None:
            told.set_exception(error)
        else:
            told.set_result(found or [])

    def run() -> None:
        found, error = None, None
        try:
            found = call(*key)
        except Exception as caught:  # noqa: BLE001 - it is told to those who wait
            error = caught
        with contextlib.suppress(RuntimeError):  # the loop may have closed meanwhile
            loop.call_soon_threadsafe(settle, found, error)

    threading.Thread(target=run, name="look-up", daemon=True).start()
    return await told
