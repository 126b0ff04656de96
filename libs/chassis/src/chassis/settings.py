"""Settings that every service shares, read once from the environment (prefix `SLOTWIRE_`, but for OpenTelemetry's own).

Where `SLOTWIRE_SECRETS_DIR` names a folder, what the environment leaves out is read from the folder's files, each named
as the variable in small letters (`slotwire_secret_key`): a file shows in no process list and in no `docker inspect`.

Invariant: settings are frozen, and only a service's `app` room reads them; nothing is configured at import.
"""

import base64
import binascii
import os
from typing import Annotated, Literal

from pydantic import AfterValidator, AnyHttpUrl, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

_SECRETS_DIR = "SLOTWIRE_SECRETS_DIR"
_KEY_BYTES = 32


def _key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("must be base64") from error
    if len(key) != _KEY_BYTES:
        raise ValueError(f"must be the base64 of {_KEY_BYTES} bytes")
    return key


def _decodes_to_a_key(value: SecretStr) -> SecretStr:
    _key(value.get_secret_value())
    return value


def _decodes_to_a_key_if_given(value: SecretStr | None) -> SecretStr | None:
    return None if value is None else _decodes_to_a_key(value)


def _decodes_to_keys(value: SecretStr) -> SecretStr:
    _keys(value)
    return value


def _keys(value: SecretStr) -> tuple[bytes, ...]:
    return tuple(_key(one) for one in _texts(value))


def _texts(value: SecretStr) -> tuple[str, ...]:
    return tuple(one.strip() for one in value.get_secret_value().split(",") if one.strip())


def _given(value: object) -> object:
    return None if value == "" else value


class ServerSettings(BaseSettings):
    """Where the databases are: all that a command needs which only works on one of them."""

    model_config = SettingsConfigDict(env_prefix="SLOTWIRE_", frozen=True, extra="ignore", populate_by_name=True)

    postgres_url: Annotated[
        str,
        Field(
            title="PostgreSQL server",
            description="postgresql://user:password@host:port/…; each service uses a database of its own on it.",
        ),
    ]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings passes it by this name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - its folder is fixed at import, ours is not
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take arguments first, then the environment, then the files of the folder that the environment names."""
        files = SecretsSettingsSource(settings_cls, secrets_dir=os.environ.get(_SECRETS_DIR))
        return init_settings, env_settings, files


class ServiceSettings(ServerSettings):
    """What a service needs to know of its surroundings."""

    kafka_bootstrap: Annotated[str, Field(title="Kafka bootstrap servers", description="host:port, comma-separated.")]
    secret_key: Annotated[
        SecretStr,
        AfterValidator(_decodes_to_a_key),
        Field(title="Key for secrets at rest", description="Base64 of 32 random bytes (AES-256-GCM)."),
    ]
    old_secret_keys: Annotated[
        SecretStr,
        AfterValidator(_decodes_to_keys),
        Field(
            title="Keys that seal nothing any more and still open what they sealed",
            description="Base64, comma-separated; for as long as it takes to seal all anew.",
        ),
    ] = SecretStr("")
    service_key: Annotated[
        SecretStr | None,
        AfterValidator(_decodes_to_a_key_if_given),
        Field(
            title="Key that the services call each other with",
            description="Base64 of 32 random bytes, the same for all of them; without it no call of one is accepted.",
        ),
    ] = None
    old_service_keys: Annotated[
        SecretStr,
        AfterValidator(_decodes_to_keys),
        Field(
            title="Keys that the services are accepted with, too, and do not call with",
            description="Base64, comma-separated; for as long as it takes to give each service the new key.",
        ),
    ] = SecretStr("")
    host: Annotated[str, Field(title="Address to listen on")] = "127.0.0.1"
    port: Annotated[int, Field(title="Port to listen on", ge=0, le=65535)] = 8080
    log_format: Annotated[Literal["console", "json"], Field(title="Shape of log lines")] = "json"
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Field(title="Least level logged")] = "info"
    pool_size: Annotated[int, Field(title="Connections to PostgreSQL, at most", ge=2, le=200)] = 10
    rate_limit_per_minute: Annotated[
        int,
        Field(
            title="Requests that a key may make a minute",
            description="Each process counts by itself. 0 for no limit.",
            ge=0,
        ),
    ] = 6000
    otel_exporter_otlp_endpoint: Annotated[
        AnyHttpUrl | None,
        BeforeValidator(_given),
        Field(
            title="Collector of traces",
            description="The base URL of what takes OTLP over HTTP/protobuf; without it no span is made.",
            validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        ),
    ] = None
    drain_seconds: Annotated[
        float,
        Field(
            title="Seconds that running requests, and after them background work, are each given at a stop",
            ge=0,
            le=600,
        ),
    ] = 10.0

    @property
    def accepted_service_keys(self) -> tuple[str, ...]:
        """The texts of all keys that another service may call with; none where `service_key` is not set."""
        if self.service_key is None:
            return ()
        return self.service_key.get_secret_value(), *_texts(self.old_service_keys)

    @property
    def traces_endpoint(self) -> str | None:
        """Where traces are sent; None where none are made."""
        return None if self.otel_exporter_otlp_endpoint is None else str(self.otel_exporter_otlp_endpoint)

    @property
    def sealing_key(self) -> bytes:
        """The 32 bytes that seal secrets at rest."""
        return _key(self.secret_key.get_secret_value())

    @property
    def old_sealing_keys(self) -> tuple[bytes, ...]:
        """The keys that open what they sealed once."""
        return _keys(self.old_secret_keys)
