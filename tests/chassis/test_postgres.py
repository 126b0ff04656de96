"""What a server that goes away is seen as: something to be tried again, in whatever moment it went."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from chassis.postgres import UNAVAILABLE, Database
from devstack.ports import HOST

_FIELDS = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
FAREWELL = b"E" + (4 + len(_FIELDS)).to_bytes(4, "big") + _FIELDS
"""What a server tells each session that it ends (PostgreSQL's protocol: ErrorResponse); then it closes the socket."""


class Wire:
    """A wire to a server that can be made to say something by itself."""

    def __init__(self) -> None:
        self._to_clients: list[asyncio.StreamWriter] = []

    def say(self, words: bytes) -> None:
        for writer in self._to_clients:
            writer.write(words)

    @asynccontextmanager
    async def laid(self, url: str) -> AsyncIterator[str]:
        """Lead to a server for the block; the answer is the URL of the near end."""
        far = urlsplit(url)

        async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            far_reader, far_writer = await asyncio.open_connection(far.hostname, far.port)
            self._to_clients.append(writer)
            await asyncio.gather(_carry(reader, far_writer), _carry(far_reader, writer))

        async with await asyncio.start_server(join, HOST, 0) as server:
            port = server.sockets[0].getsockname()[1]
            yield far._replace(netloc=f"{far.username}:{far.password}@{HOST}:{port}").geturl()


async def _carry(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    while data := await source.read(65_536):
        to.write(data)
    to.close()


async def test_a_session_that_was_told_its_end_between_two_statements_is_tried_again(database: str) -> None:
    """The next statement begins before the socket is closed: no statement is at fault, so nothing is set aside."""
    wire = Wire()
    async with wire.laid(database) as url, Database(url, pool_size=1, application="tests").opened() as db:
        assert await db.answers()
        wire.say(FAREWELL)
        await asyncio.sleep(0.1)
        with pytest.raises(UNAVAILABLE):
            async with db.transaction() as conn:
                await conn.execute("SELECT 1")
        assert await db.answers()
