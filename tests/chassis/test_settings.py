import base64
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from chassis.settings import ServerSettings, ServiceSettings

KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of secrets, named by an environment that tells of the broker and nothing else."""
    monkeypatch.delenv("SLOTWIRE_POSTGRES_URL", raising=False)
    monkeypatch.delenv("SLOTWIRE_SECRET_KEY", raising=False)
    monkeypatch.setenv("SLOTWIRE_KAFKA_BOOTSTRAP", "kafka:9092")
    monkeypatch.setenv("SLOTWIRE_SECRETS_DIR", str(tmp_path))
    return tmp_path


def test_files_tell_what_the_environment_leaves_out(folder: Path) -> None:
    (folder / "slotwire_secret_key").write_text(f"{KEY}\n")
    (folder / "slotwire_postgres_url").write_text("postgresql://from-a-file/postgres")
    settings = ServiceSettings()
    assert settings.sealing_key == bytes(range(32))
    assert settings.postgres_url == "postgresql://from-a-file/postgres"
    assert settings.kafka_bootstrap == "kafka:9092"


def test_a_key_between_services_is_optional_and_a_key(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "slotwire_postgres_url").write_text("postgresql://from-a-file/postgres")
    (folder / "slotwire_secret_key").write_text(KEY)
    assert ServiceSettings().service_key is None
    other = base64.b64encode(bytes(32)).decode()
    (folder / "slotwire_service_key").write_text(f"{other}\n")
    assert ServiceSettings().service_key == SecretStr(other)
    assert other not in repr(ServiceSettings())
    assert ServiceSettings().accepted_service_keys == (other,)
    (folder / "slotwire_old_service_keys").write_text(f"{KEY}, {other}\n")
    assert ServiceSettings().accepted_service_keys == (other, KEY, other)
    monkeypatch.setenv("SLOTWIRE_SERVICE_KEY", "")
    with pytest.raises(ValidationError, match=r"service_key\n.*must be the base64 of 32 bytes"):
        ServiceSettings()


def test_the_environment_wins_over_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "slotwire_postgres_url").write_text("postgresql://from-a-file/postgres")
    monkeypatch.setenv("SLOTWIRE_POSTGRES_URL", "postgresql://from-the-environment/postgres")
    assert ServerSettings().postgres_url == "postgresql://from-the-environment/postgres"


def test_a_file_is_checked_as_a_variable_is(folder: Path) -> None:
    (folder / "slotwire_postgres_url").write_text("postgresql://from-a-file/postgres")
    (folder / "slotwire_secret_key").write_text("bm90IDMyIGJ5dGVz")
    with pytest.raises(ValidationError, match="must be the base64 of 32 bytes"):
        ServiceSettings()


@pytest.mark.usefixtures("folder")
def test_a_limit_is_a_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOTWIRE_POSTGRES_URL", "postgresql://127.0.0.1/")
    monkeypatch.setenv("SLOTWIRE_SECRET_KEY", KEY)
    monkeypatch.setenv("SLOTWIRE_RATE_LIMIT_PER_MINUTE", "-1")
    with pytest.raises(ValidationError, match=r"rate_limit_per_minute\n.*greater than or equal to 0"):
        ServiceSettings()


@pytest.mark.usefixtures("folder")
def test_what_nobody_tells_is_missing() -> None:
    with pytest.raises(ValidationError, match="postgres_url"):
        ServerSettings()


def test_old_keys_are_a_list_of_keys_in_a_variable_or_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "slotwire_postgres_url").write_text("postgresql://from-a-file/postgres")
    (folder / "slotwire_secret_key").write_text(KEY)
    assert ServiceSettings().old_sealing_keys == ()
    old = [bytes([number]) * 32 for number in (1, 2)]
    (folder / "slotwire_old_secret_keys").write_text(",\n".join(base64.b64encode(one).decode() for one in old) + "\n")
    assert ServiceSettings().old_sealing_keys == tuple(old)
    assert KEY not in repr(ServiceSettings())
    assert base64.b64encode(old[0]).decode() not in repr(ServiceSettings())
    monkeypatch.setenv("SLOTWIRE_OLD_SECRET_KEYS", f"{KEY},c2hvcnQ=")
    with pytest.raises(ValidationError, match=r"old_secret_keys\n.*must be the base64 of 32 bytes"):
        ServiceSettings()
