"""Client certificates: what is taken for one, and the TLS contexts that show them.

Invariant: a private key is never written to a disk: where OpenSSL wants a file it gets one in memory.
"""

import asyncio
import os
import ssl
import tempfile
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import IO

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from webhook_dispatcher.domain.auth import ClientCertificate, GivenCertificate
from webhook_dispatcher.domain.errors import Flaw, ValidationFailedError

MAX_CHAIN = 10
_CERTIFICATE, _KEY = "auth.certificate", "auth.private_key"
_KEPT_CONTEXTS = 64  # 0.8 MiB each, for the authorities that each trusts
_SUBJECT_CHARACTERS = 500


def check_certificate(given: GivenCertificate, now: datetime) -> ClientCertificate:
    """Read a client certificate with its key.

    Raises:
        ValidationFailedError: they do not parse, do not belong together, have expired, or are too weak for TLS.
    """
    chain, key = _chain(given.certificate), _private_key(given.private_key)
    try:
        read, belongs = _read(chain, key), _public(chain[0].public_key()) == _public(key.public_key())
    except (ValueError, UnsupportedAlgorithm):  # some parts are parsed only when they are looked at
        raise _refused(_CERTIFICATE, "must hold a name, dates and a key of known kinds", "certificate_format") from None
    if not belongs:
        raise _refused(_KEY, "must belong to the first certificate", "key_mismatch")
    if read.expires_at <= now:
        raise _refused(_CERTIFICATE, "must not have expired", "expired")
    try:
        tls_context(read)
    except ssl.SSLError as error:
        reason = (error.reason or "refused").replace("_", " ").lower()
        raise _refused(_CERTIFICATE, f"must be one that TLS takes; {reason}", "certificate_refused") from None
    return read


def tls_context(certificate: ClientCertificate | None = None) -> ssl.SSLContext:
    """Make a context that verifies servers as the machine does, and shows a client certificate if there is one.

    Raises:
        ssl.SSLError: the certificate or its key is too weak.
    """
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if certificate is not None:
        with _in_memory(certificate.certificate) as chain, _in_memory(certificate.private_key) as key:
            context.load_cert_chain(chain, key)
    return context


class Contexts:
    """The contexts of client certificates, those most recently used: making one takes 40 ms."""

    def __init__(self) -> None:
        self._kept: OrderedDict[ClientCertificate, ssl.SSLContext] = OrderedDict()
        self._making = asyncio.Lock()

    async def get(self, certificate: ClientCertificate) -> ssl.SSLContext:
        """Tell the context that shows a certificate.

        Raises:
            ssl.SSLError: TLS does not take the certificate any more.
        """
        if certificate not in self._kept:
            async with self._making:
                if certificate not in self._kept:
                    self._kept[certificate] = await asyncio.to_thread(tls_context, certificate)
        self._kept.move_to_end(certificate)
        while len(self._kept) > _KEPT_CONTEXTS:
            self._kept.popitem(last=False)
        return self._kept[certificate]


def _chain(pem: str) -> list[x509.Certificate]:
    try:
        chain = x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        raise _refused(_CERTIFICATE, "must be one or more certificates in PEM", "certificate_format") from None
    if len(chain) > MAX_CHAIN:
        raise _refused(_CERTIFICATE, f"must be at most {MAX_CHAIN} certificates", "too_long")
    return chain


def _private_key(pem: str) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(pem.encode(), password=None)
    except TypeError:
        raise _refused(_KEY, "must not be encrypted", "key_encrypted") from None
    except (ValueError, UnsupportedAlgorithm):
        raise _refused(_KEY, "must be a private key in PEM", "key_format") from None


def _read(chain: Sequence[x509.Certificate], key: PrivateKeyTypes) -> ClientCertificate:
    return ClientCertificate(
        certificate="".join(one.public_bytes(Encoding.PEM).decode() for one in chain),
        private_key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        subject=chain[0].subject.rfc4514_string()[:_SUBJECT_CHARACTERS],
        fingerprint=chain[0].fingerprint(SHA256()).hex(),
        expires_at=chain[0].not_valid_after_utc,
    )


def _public(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@contextmanager
def _in_memory(text: str) -> Iterator[str]:
    """Lend the name of a file that holds a text and is on no disk, where the system has such files."""
    with _nameless_file() as file:
        file.write(text.encode())
        file.seek(0)  # where a file is opened by its number, some systems go on where it stands
        yield f"/dev/fd/{file.fileno()}"


def _nameless_file() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("pem"), "w+b", buffering=0)
    return tempfile.TemporaryFile(buffering=0)


def _refused(param: str, message: str, rule: str) -> ValidationFailedError:
    return ValidationFailedError(Flaw(param, message, rule))
