"""The guard in front of every connection: names are resolved here, and sockets are made here.

Invariant: no socket is opened to an address that `addresses` refuses. A name is refused if any of its addresses
is; what was vetted is what is connected to, so a name that changes its mind between look-ups gains nothing; and IP
literals, which aiohttp never resolves, are vetted where their socket is made.
"""

import asyncio
import socket
from collections.abc import Sequence

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import AddrInfoType

from chassis.outbound.addresses import Network, refusal
from chassis.outbound.names import Names
from chassis.outbound.urls import RefusedUrlError, parse_url

_LOOK_UP_SECONDS = 3.0


class BlockedAddressError(OSError):
    """An address is none that may be connected to."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"{address} is refused: {reason}")


class Guard(AbstractResolver):
    """Resolves names and makes sockets, for allowed addresses only.

    Args:
        allowed: the networks that an operator has opened.
        resolver: looks names up; as the machine does, by default.
    """

    def __init__(self, allowed: Sequence[Network], resolver: AbstractResolver | None = None) -> None:
        self._allowed = tuple(allowed)
        self._resolver = resolver or Names()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Look a name up.

        Raises:
            BlockedAddressError: one of its addresses is refused.
            OSError: it has none.
        """
        found = await self._resolver.resolve(host, port, family)
        for one in found:
            self.check(one["host"])
        return found

    async def close(self) -> None:
        """Close the resolver."""
        await self._resolver.close()

    def socket(self, info: AddrInfoType) -> socket.socket:
        """Make the socket for one address; this is the last thing before the connection.

        Raises:
            BlockedAddressError: the address is refused.
        """
        family, kind, protocol, _, address = info
        self.check(str(address[0]))
        return socket.socket(family, kind, protocol)

    def check(self, address: str) -> None:
        """Let an allowed address pass.

        Raises:
            BlockedAddressError: the address is refused.
        """
        reason = refusal(address, self._allowed)
        if reason is not None:
            raise BlockedAddressError(address, reason)

    async def vet(self, url: str, *, allow_http: bool) -> None:
        """Let a URL pass as it is written and as it resolves now.

        A name that does not resolve passes: it may do so later, and every connection vets it again.

        Args:
            url: the URL as it was given.
            allow_http: whether an operator allows `http`.

        Raises:
            RefusedUrlError: it is no URL, or leads where nothing is connected to.
        """
        endpoint = parse_url(url, allow_http=allow_http)
        try:
            async with asyncio.timeout(_LOOK_UP_SECONDS):
                if endpoint.is_address:
                    self.check(endpoint.host)
                else:
                    await self.resolve(endpoint.host, endpoint.port, socket.AF_UNSPEC)
        except BlockedAddressError as error:
            raise RefusedUrlError(f"must lead to a public address; {error}", "blocked_address") from None
        except OSError:  # TimeoutError is one
            return
