"""Names that resolve as a test says, and exchanges through a guard that looks them up."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp.abc import AbstractResolver, ResolveResult

from chassis.outbound import Guard
from webhook_dispatcher.client.sender import Sender
from webhook_dispatcher.domain.exchange import Exchange, Failure, FailureKind


class Names(AbstractResolver):
    """Answers each look-up of a name with the next of the given sets of addresses."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self._answers = iter(answers)
        self.asked = 0

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 - the base class's signature
    ) -> list[ResolveResult]:
        self.asked += 1
        return [
            {"hostname": host, "host": one, "port": port, "family": _family(one), "proto": 0, "flags": 0}
            for one in next(self._answers)
        ]

    async def close(self) -> None:
        """Nothing is held."""


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


@asynccontextmanager
async def _sending(guard: Guard) -> AsyncIterator[Sender]:
    sender = Sender(guard, seconds=2.0, user_agent="Slotwire/test")
    async with sender.opened():
        yield sender


async def post(guard: Guard, url: str) -> Exchange:
    """Post a body through a guard."""
    async with _sending(guard) as sender:
        return await sender.post(url, {"content-type": "application/json"}, b"{}")


def blocked(exchange: Exchange) -> str:
    """Why an exchange was blocked, as it must have been."""
    assert isinstance(exchange, Failure)
    assert exchange.kind is FailureKind.BLOCKED
    return exchange.detail
