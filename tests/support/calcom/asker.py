"""A client of Cal.com's API that knows nothing but HTTP.

Invariant: it tells what was answered and judges none of it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from support.calcom.standin import KEY

Asker = Callable[..., Awaitable[tuple[int, Any]]]
"""Asks for a path, the list of bookings if none is given, with a query; answers the status and the JSON."""


@asynccontextmanager
async def asker(url: str) -> AsyncIterator[Asker]:
    """Ask with the right key and version for the block."""
    async with aiohttp.ClientSession() as session:

        async def asking(
            path: str = "/v2/bookings", *, key: str = KEY, version: str | None = "2024-08-13", **query: Any
        ) -> tuple[int, Any]:
            headers = {"Authorization": f"Bearer {key}"} | ({"cal-api-version": version} if version else {})
            told = {name: str(value) for name, value in query.items()}
            async with session.get(url + path, headers=headers, params=told) as answer:
                return answer.status, await answer.json()

        yield asking
