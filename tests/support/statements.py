"""What a connection says to PostgreSQL, as its driver tells it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from chassis.postgres import Connection


@asynccontextmanager
async def statements(conn: Connection) -> AsyncIterator[Sequence[str]]:
    """The statements that a connection sends in the block; they are all there at its end."""
    sent: list[str] = []
    with conn.query_logger(lambda one: sent.append(one.query)):
        yield sent
        await asyncio.sleep(0)  # the driver tells each a moment later


def began(sent: Sequence[str]) -> bool:
    """Tell whether there was a transaction of more than one statement among them."""
    return any(one.startswith("BEGIN") for one in sent)
