"""Certificates made at run time: an authority, and what it signs for servers and clients."""

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from devstack.ports import HOST

YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Issued:
    """A certificate with its key, both in PEM."""

    certificate: str
    private_key: str

    def encrypted_key(self, password: bytes) -> str:
        """The key as nobody can use it without a password."""
        key = load_pem_private_key(self.private_key.encode(), None)
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password)).decode()


class Authority:
    """Signs certificates; what trusts it trusts them."""

    def __init__(self, name: str = "Test Authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self._certificate = self._signed(self._name, self._key, YEAR, x509.BasicConstraints(ca=True, path_length=None))

    @property
    def pem(self) -> str:
        """The authority's own certificate."""
        return self._certificate.public_bytes(Encoding.PEM).decode()

    def issue(
        self,
        name: str = "client",
        *,
        life: timedelta = YEAR,
        address: str | None = None,
        key: CertificateIssuerPrivateKeyTypes | None = None,
    ) -> Issued:
        """Sign a certificate for a name, or for a server at an address."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        names = (
            None if address is None else x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        )
        certificate = self._signed(_named(name), key, life, names)
        return Issued(certificate.public_bytes(Encoding.PEM).decode(), pem_of(key))

    def server_context(self, folder: Path, *, asks: bool = False, **issued: object) -> ssl.SSLContext:
        """What a server on loopback speaks TLS with; `asks`: for a certificate that this authority signed."""
        mine = self.issue("server", **{"address": HOST, **issued})  # type: ignore[arg-type]  # handed on
        file = folder / "server.pem"
        file.write_text(mine.certificate + mine.private_key)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=self.pem)
        context.load_cert_chain(file)
        context.verify_mode = ssl.CERT_REQUIRED if asks else ssl.CERT_NONE
        return context

    def _signed(
        self,
        name: x509.Name,
        key: CertificateIssuerPrivateKeyTypes,
        life: timedelta,
        extension: x509.ExtensionType | None,
    ) -> x509.Certificate:
        until = datetime.now(UTC) + life
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(until - 2 * YEAR)
            .not_valid_after(until)
        )
        if extension is not None:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self._key, hashes.SHA256())


def pem_of(key: CertificateIssuerPrivateKeyTypes) -> str:
    """A private key in PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
