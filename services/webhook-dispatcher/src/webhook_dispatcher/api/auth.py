"""What an endpoint asks for beyond signatures, as the API takes and shows it.

Invariant: no private key and no client secret is in an answer, or in a `repr`.
"""

from collections.abc import Callable
from typing import Annotated, Literal, assert_never

from pydantic import Field, StringConstraints, ValidationError, WrapValidator
from pydantic_core import InitErrorDetails

from chassis.web import Output
from webhook_dispatcher.api.models import Body, Instant
from webhook_dispatcher.domain.auth import (
    Auth,
    ClientCertificate,
    ClientCredentials,
    GivenAuth,
    GivenCertificate,
    UnreadableAuth,
)

Chain = Annotated[str, StringConstraints(min_length=1, max_length=32_768)]
PrivateKey = Annotated[str, StringConstraints(min_length=1, max_length=4_096)]  # to read greater ones takes long
TokenUrl = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=500)]
ClientSecret = Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class NewCertificate(Body):
    """A client certificate that the endpoint asks for (mutual TLS)."""

    type: Literal["mtls"]
    certificate: Annotated[Chain, Field(description="PEM: the certificate, then the chain behind it.")]
    private_key: Annotated[PrivateKey, Field(description="PEM, not encrypted; never shown.", repr=False)]

    @property
    def wanted(self) -> GivenCertificate:
        """The certificate, as the use case takes it."""
        return GivenCertificate(self.certificate, self.private_key)


class NewCredentials(Body):
    """Where a token that the endpoint asks for is had, and with what (OAuth 2.0 client credentials)."""

    type: Literal["oauth2_client_credentials"]
    token_url: Annotated[TokenUrl, Field(description="Held to the same rules as `url`.")]
    client_id: Word
    client_secret: Annotated[ClientSecret, Field(description="Never shown.", repr=False)]
    scope: Word | None = None
    audience: Word | None = None

    @property
    def wanted(self) -> ClientCredentials:
        """The credentials, as the use case takes them."""
        return ClientCredentials(self.token_url, self.client_id, self.client_secret, self.scope, self.audience)


def _plainly_named(value: object, read: Callable[[object], object]) -> object:
    """Tell what is wrong by the names that callers know: pydantic puts the type in between."""
    try:
        return read(value)
    except ValidationError as error:
        found = [
            InitErrorDetails(type=one["type"], loc=one["loc"][1:], input=one["input"], ctx=one.get("ctx", {}))
            for one in error.errors(include_url=False)
        ]
        raise ValidationError.from_exception_data(error.title, found) from None


NewAuth = Annotated[NewCertificate | NewCredentials, Field(discriminator="type"), WrapValidator(_plainly_named)]


class ShownCertificate(Output):
    """A client certificate; `fingerprint` is its SHA-256."""

    type: Literal["mtls"] = "mtls"
    subject: str
    fingerprint: str
    expires_at: Instant


class ShownCredentials(Output):
    """Where tokens come from."""

    type: Literal["oauth2_client_credentials"] = "oauth2_client_credentials"
    token_url: str
    client_id: str
    scope: str | None
    audience: str | None


class ShownUnreadable(Output):
    """Something that cannot be read any more: nothing is sent until it is given anew."""

    type: Literal["unreadable"] = "unreadable"


ShownAuth = ShownCertificate | ShownCredentials | ShownUnreadable


def wanted_auth(given: NewCertificate | NewCredentials | None) -> GivenAuth | None:
    """Tell what was given as the use case takes it."""
    return None if given is None else given.wanted


def show_auth(auth: Auth | UnreadableAuth | None) -> ShownAuth | None:
    """Render what an endpoint asks for."""
    match auth:
        case None:
            return None
        case ClientCertificate(subject=subject, fingerprint=fingerprint, expires_at=expires_at):
            return ShownCertificate(subject=subject, fingerprint=fingerprint, expires_at=expires_at)
        case ClientCredentials(token_url=token_url, client_id=client_id, scope=scope, audience=audience):
            return ShownCredentials(token_url=token_url, client_id=client_id, scope=scope, audience=audience)
        case UnreadableAuth():
            return ShownUnreadable()
        case _:
            assert_never(auth)
