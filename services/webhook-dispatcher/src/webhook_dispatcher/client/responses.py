"""Reading answers of endpoints, and telling why there is none.

Invariant: never more of an answer is held than was asked for, whatever comes.
"""

import ssl

import aiohttp
from aiohttp import StreamReader

from webhook_dispatcher.client.guard import BlockedAddressError
from webhook_dispatcher.domain.exchange import Failure, FailureKind, storable

_DETAIL_CHARACTERS = 500


async def read_at_most(content: StreamReader, limit: int) -> bytes:
    """Read the first bytes of an answer; where there are more, its connection is closed when it is released."""
    chunks: list[bytes] = []
    left = limit
    while left > 0 and (chunk := await content.read(left)):
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks)


def failure_of(error: Exception) -> Failure:
    """Tell why an exchange that raised has no answer."""
    kind = FailureKind.PROTOCOL
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, BlockedAddressError):
        kind = FailureKind.BLOCKED
    elif isinstance(error, ssl.SSLError | ssl.CertificateError | aiohttp.ClientSSLError) or _is_alert(error):
        kind = FailureKind.TLS
    elif isinstance(error, aiohttp.ClientConnectionError | OSError):
        kind = FailureKind.CONNECTION
    return Failure(kind, storable(str(cause) or type(cause).__name__)[:_DETAIL_CHARACTERS])


def _is_alert(error: Exception) -> bool:
    """Tell whether the other side ended TLS after the handshake, as TLS 1.3 refuses client certificates."""
    return isinstance(error.__cause__, ssl.SSLError)
