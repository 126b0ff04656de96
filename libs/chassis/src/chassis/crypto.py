"""Secrets at rest: AES-256-GCM with a context that binds a sealed value to its place.

Invariants: what is sealed for one context (a row, a column) does not open under another; what is sealed now is sealed
with the present key, whichever keys still open.
"""

import contextlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


class SealError(Exception):
    """A sealed value does not open: another key, another context, or changed bytes."""


class Sealer:
    """Seals bytes with one 32-byte key, and opens what that one sealed or an old one.

    Args:
        key: the present key.
        old: keys that seal nothing any more.
    """

    def __init__(self, key: bytes, *old: bytes) -> None:
        self._present = AESGCM(key)
        self._ciphers = (self._present, *(AESGCM(one) for one in old))

    def seal(self, plain: bytes, *, context: bytes) -> bytes:
        """Encrypt `plain`; the answer is a 12-byte nonce, then the ciphertext with its tag."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._present.encrypt(nonce, plain, context)

    def open(self, sealed: bytes, *, context: bytes) -> bytes:
        """Decrypt what `seal` answered, now or under a key that is an old one by now.

        Raises:
            SealError: when keys, context or bytes do not fit.
        """
        plain, _ = self._opened(sealed, context)
        return plain

    def renew(self, sealed: bytes, *, context: bytes) -> bytes | None:
        """Seal anew what an old key sealed; None where the present one did.

        Raises:
            SealError: as `open` does.
        """
        plain, cipher = self._opened(sealed, context)
        return None if cipher is self._present else self.seal(plain, context=context)

    def _opened(self, sealed: bytes, context: bytes) -> tuple[bytes, AESGCM]:
        for cipher in self._ciphers:
            with contextlib.suppress(InvalidTag, ValueError):
                return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context), cipher
        raise SealError("the sealed value does not open with any key at hand and this context")
