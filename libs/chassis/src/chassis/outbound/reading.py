"""Reading answers.

Invariant: never more of an answer is held than was asked for, whatever comes.
"""

from aiohttp import StreamReader


async def read_at_most(content: StreamReader, limit: int) -> bytes:
    """Read the first bytes of an answer; where there are more, its connection is closed when it is released."""
    chunks: list[bytes] = []
    left = limit
    while left > 0 and (chunk := await content.read(left)):
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks)
