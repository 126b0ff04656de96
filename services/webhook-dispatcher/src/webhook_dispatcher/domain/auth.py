"""What an endpoint asks of whoever calls it, beyond signatures: a client certificate, or an OAuth token.

Invariant: private keys and client secrets are in no `repr`, and so in no log.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from webhook_dispatcher.domain.errors import Flaw, ValidationFailedError


@dataclass(frozen=True, slots=True)
class GivenCertificate:
    """A client certificate as it is given: PEM, the chain behind it in the same text."""

    certificate: str
    private_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A client certificate that was checked, for mutual TLS.

    Attributes:
        certificate: it and its chain, in PEM.
        private_key: its key, in PEM.
        subject: whom it names, as RFC 4514 writes it.
        fingerprint: its SHA-256, in hex.
        expires_at: when it ends.
    """

    certificate: str
    private_key: str = field(repr=False)
    subject: str
    fingerprint: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """What OAuth 2.0 tokens are asked for with (RFC 6749, section 4.4)."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str | None
    audience: str | None


@dataclass(frozen=True, slots=True)
class UnreadableAuth:
    """It was sealed with a key that is not at hand."""


GivenAuth = GivenCertificate | ClientCredentials
Auth = ClientCertificate | ClientCredentials


def check_fit(url: str, headers: Mapping[str, str] | None, auth: Auth | UnreadableAuth | None) -> None:
    """Check that an endpoint's auth goes with its URL and its headers.

    Raises:
        ValidationFailedError: a certificate is never shown, or a token would come beside another `Authorization`.
    """
    match auth:
        case ClientCertificate() if not url.startswith("https:"):
            raise _refused("must go with an https URL, since a certificate is shown in TLS alone")
        case ClientCredentials() if any(name.lower() == "authorization" for name in headers or ()):
            raise _refused("must not go with a header Authorization, which carries the token")
        case ClientCertificate() | ClientCredentials() | UnreadableAuth() | None:
            return
        case _:
            assert_never(auth)


def _refused(message: str) -> ValidationFailedError:
    return ValidationFailedError(Flaw("auth", message, "conflict"))
