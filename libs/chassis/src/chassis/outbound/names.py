"""Looking names up as the machine does (its list of hosts, then its nameservers), without a thread for each.

The system's own resolver blocks a thread for as long as it likes, so names that hang would use up any number of them.
c-ares, which aiohttp asks by way of aiodns, has all look-ups under way at once over one socket. Invariants: no look-up
waits for another one; nobody waits for longer than a fixed time.
"""

import asyncio
import socket
from collections.abc import Sequence

from aiohttp import AsyncResolver
from aiohttp.abc import AbstractResolver, ResolveResult

_SECONDS = 10.0
# A nameserver is asked again after a second, or a quarter where it mostly answers at once, and then each time twice as
# late: so often that it has all of those ten seconds.
_FIRST_SECONDS = 1.0
_TRIES = 6


class Names(AbstractResolver):
    """Looks names up; it begins with the first.

    Args:
        seconds: how long anybody waits.
        servers: the nameservers to ask; None for those of the machine.
    """

    def __init__(self, *, seconds: float = _SECONDS, servers: Sequence[str] | None = None) -> None:
        self._seconds = seconds
        self._servers = servers
        self._resolver: AsyncResolver | None = None  # it belongs to a running loop

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Look a name up.

        Raises:
            OSError: it has no address, or nobody has told it in time.
        """
        if self._resolver is None:
            self._resolver = AsyncResolver(nameservers=self._servers, timeout=_FIRST_SECONDS, tries=_TRIES)
        try:
            async with asyncio.timeout(self._seconds):
                return await self._resolver.resolve(host, port, family)
        except TimeoutError:
            raise OSError(f"the name was not looked up within {self._seconds:g} s") from None

    async def close(self) -> None:
        """Give the look-ups under way up; whoever waits is told."""
        if self._resolver is not None:
            await self._resolver.close()
            self._resolver = None
