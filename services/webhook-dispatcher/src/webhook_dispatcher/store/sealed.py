"""What lies sealed of a subscription: how it is written, sealed for its place, and read again.

Invariant: one subscription whose columns no key at hand opens never stops the others; its deliveries fail and are tried
again.
"""

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any, assert_never

import structlog
from pydantic_core import from_json, to_json

from chassis.crypto import Sealer, SealError
from chassis.resealing import SealedTable
from webhook_dispatcher.domain.auth import Auth, ClientCertificate, ClientCredentials, UnreadableAuth
from webhook_dispatcher.domain.rotation import OldSecret

_log = structlog.get_logger(__name__)
TABLE = SealedTable("subscriptions", "id", ("headers", "secret", "old_secrets", "auth"))
_CERTIFICATE, _CREDENTIALS = "mtls", "oauth2_client_credentials"


class Sealed:
    """Seals and opens the columns of subscriptions; a value of None is a null there."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def secret(self, subscription_id: str, secret: bytes) -> bytes:
        """Seal a secret."""
        return self._seal(subscription_id, "secret", secret)

    def headers(self, subscription_id: str, headers: Mapping[str, str] | None) -> bytes:
        """Seal headers."""
        return self._seal(subscription_id, "headers", to_json(headers))

    def old_secrets(self, subscription_id: str, old: tuple[OldSecret, ...]) -> bytes | None:
        """Seal secrets that were rotated away."""
        told = [{"key": base64.b64encode(one.key).decode(), "until": one.until.isoformat()} for one in old]
        return self._seal(subscription_id, "old_secrets", to_json(told)) if told else None

    def auth(self, subscription_id: str, auth: Auth | UnreadableAuth | None) -> bytes | None:
        """Seal what an endpoint asks for."""
        match auth:
            case ClientCertificate():
                kind = _CERTIFICATE
            case ClientCredentials():
                kind = _CREDENTIALS
            case None | UnreadableAuth():
                return None
            case _:
                assert_never(auth)
        return self._seal(subscription_id, "auth", to_json({"type": kind, "auth": auth}))

    def read_secret(self, row: Any) -> bytes | None:
        """Open a row's secret; None if no key at hand does, or it was deleted."""
        return self._open(row, "secret")

    def read_headers(self, row: Any) -> dict[str, str] | None:
        """Open a row's headers; None if no key at hand does, or they were deleted."""
        plain = self._open(row, "headers")
        return None if plain is None else from_json(plain)

    def read_old_secrets(self, row: Any) -> tuple[OldSecret, ...]:
        """Open the secrets that were rotated away; none if no key at hand does, or there are none."""
        plain = self._open(row, "old_secrets")
        told = [] if plain is None else from_json(plain)
        return tuple(OldSecret(base64.b64decode(one["key"]), datetime.fromisoformat(one["until"])) for one in told)

    def read_auth(self, row: Any) -> Auth | UnreadableAuth | None:
        """Open what a row's endpoint asks for."""
        if row["auth"] is None:
            return None
        plain = self._open(row, "auth")
        if plain is None:
            return UnreadableAuth()
        stored = from_json(plain)
        told = stored["auth"]
        if stored["type"] == _CREDENTIALS:
            return ClientCredentials(**told)
        return ClientCertificate(**{**told, "expires_at": datetime.fromisoformat(told["expires_at"])})

    def _seal(self, subscription_id: str, column: str, plain: bytes) -> bytes:
        return self._sealer.seal(plain, context=TABLE.context(subscription_id, column))

    def _open(self, row: Any, column: str) -> bytes | None:
        if row[column] is None:
            return None
        try:
            return self._sealer.open(row[column], context=TABLE.context(row["id"], column))
        except SealError as error:
            _log.error("subscription_unreadable", subscription=row["id"], column=column, error=str(error))
            return None
