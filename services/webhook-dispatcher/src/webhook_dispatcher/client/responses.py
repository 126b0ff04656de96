"""Telling why there is no answer of an endpoint.

Invariant: whatever an exchange raised is told as one of the kinds of failure, in words that can be stored.
"""

import ssl

import aiohttp

from chassis.outbound import BlockedAddressError
from webhook_dispatcher.domain.exchange import Failure, FailureKind, storable

_DETAIL_CHARACTERS = 500


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
