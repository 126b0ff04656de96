"""Settings that every service shares, read once from the environment (prefix `SLOTWIRE_`).

Invariant: settings are frozen, and only a service's `app` room reads them; nothing is configured at import.
"""

import base64
import binascii
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

_SECRET_KEY_BYTES = 32


def _decodes_to_a_key(value: SecretStr) -> SecretStr:
    try:
        key = base64.b64decode(value.get_secret_value(), validate=True)
    except binascii.Error as error:
        raise ValueError("must be base64") from error
    if len(key) != _SECRET_KEY_BYTES:
        raise ValueError(f"must be the base64 of {_SECRET_KEY_BYTES} bytes")
    return value


class ServiceSettings(BaseSettings):
    """What a service needs to know of its surroundings."""

    model_config = SettingsConfigDict(env_prefix="SLOTWIRE_", frozen=True, extra="ignore")

    postgres_url: Annotated[
        str,
        Field(
            title="PostgreSQL server",
            description="postgresql://user:password@host:port/…; each service uses a database of its own on it.",
        ),
    ]
    kafka_bootstrap: Annotated[str, Field(title="Kafka bootstrap servers", description="host:port, comma-separated.")]
    secret_key: Annotated[
        SecretStr,
        AfterValidator(_decodes_to_a_key),
        Field(title="Key for secrets at rest", description="Base64 of 32 random bytes (AES-256-GCM)."),
    ]
    host: Annotated[str, Field(title="Address to listen on")] = "127.0.0.1"
    port: Annotated[int, Field(title="Port to listen on", ge=0, le=65535)] = 8080
    log_format: Annotated[Literal["console", "json"], Field(title="Shape of log lines")] = "json"
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Field(title="Least level logged")] = "info"
    pool_size: Annotated[int, Field(title="Connections to PostgreSQL, at most", ge=2, le=200)] = 10
    drain_seconds: Annotated[float, Field(title="Seconds that running work is given at a stop", ge=0, le=600)] = 10.0

    @property
    def sealing_key(self) -> bytes:
        """The 32 bytes that seal secrets at rest."""
        return base64.b64decode(self.secret_key.get_secret_value())
