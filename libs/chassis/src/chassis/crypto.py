"""Secrets at rest: AES-256-GCM with a context that binds a sealed value to its place.

Invariant: what is sealed for one context (a row, a column) does not open under another.
"""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


class SealError(Exception):
    """A sealed value does not open: another key, another context, or changed bytes."""


class Sealer:
    """Seals and opens bytes with one 32-byte key."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, plain: bytes, *, context: bytes) -> bytes:
        """Encrypt `plain`; the answer is a 12-byte nonce, then the ciphertext with its tag."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, context)

    def open(self, sealed: bytes, *, context: bytes) -> bytes:
        """Decrypt what `seal` answered.

        Raises:
            SealError: when key, context or bytes do not fit.
        """
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
        except (InvalidTag, ValueError) as error:
            raise SealError("the sealed value does not open with this key and context") from error
