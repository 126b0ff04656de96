"""Signatures and their secrets, as Standard Webhooks says (its specification, "Signature scheme").

Invariant: what is signed is `id.timestamp.body`, byte for byte what is sent.
"""

import base64
import binascii
import functools
import hmac

from webhook_dispatcher.domain.errors import Flaw, ValidationFailedError

SECRET_BYTES = 32
_PREFIX = "whsec_"
_MIN_BYTES = 24
_MAX_BYTES = 64
_KEPT_KEYS = 10_000


def format_secret(key: bytes) -> str:
    """Write a key as subscribers know it: `whsec_` and base64."""
    return _PREFIX + base64.b64encode(key).decode()


def parse_secret(secret: str) -> bytes:
    """Read a subscriber's own secret.

    Raises:
        ValidationFailedError: it is not `whsec_` and the base64 of 24 to 64 bytes.
    """
    malformed = _refused(f"must be {_PREFIX} followed by base64", "secret_format")
    if not secret.startswith(_PREFIX):
        raise malformed
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError:
        raise malformed from None
    if not _MIN_BYTES <= len(key) <= _MAX_BYTES:
        raise _refused(f"must hold {_MIN_BYTES} to {_MAX_BYTES} bytes", "secret_length")
    return key


def sign(key: bytes, webhook_id: str, timestamp: int, body: bytes) -> str:
    """Sign a delivery: `v1,` and the base64 of the HMAC-SHA256 over `id.timestamp.body`.

    Args:
        key: the secret's bytes.
        webhook_id: the delivery's id.
        timestamp: the attempt's time, in whole seconds since 1970.
        body: the body exactly as it is sent.
    """
    signing = _keyed(key).copy()
    signing.update(b"%b.%d.%b" % (webhook_id.encode(), timestamp, body))
    return "v1," + binascii.b2a_base64(signing.digest(), newline=False).decode()


@functools.lru_cache(maxsize=_KEPT_KEYS)
def _keyed(key: bytes) -> hmac.HMAC:
    """Take a key in, which takes longer than to sign a body with it; those used last are kept so."""
    return hmac.new(key, digestmod="sha256")


def _refused(message: str, rule: str) -> ValidationFailedError:
    return ValidationFailedError(Flaw("secret", message, rule))
