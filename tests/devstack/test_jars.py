"""Kafka's jars: found again without the network, and never handed out in part."""

from pathlib import Path

import pytest

from devstack.jars import KAFKA_VERSION, FetchError, cache_folder, jars_present, kafka_class_path
from devstack.ports import HOST, free_port


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of one's own, and no network: every request goes to a port on which nobody listens."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://{HOST}:{free_port()}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert cache_folder() == tmp_path / "slotwire"
    return cache_folder()


def fetched(cache: Path) -> list[Path]:
    """Two jars and the class path that names them, as an earlier start left them."""
    jars = [cache / "one.jar", cache / "two.jar"]
    cache.mkdir()
    for jar in jars:
        jar.touch()
    (cache / f"kafka-{KAFKA_VERSION}.classpath").write_text(":".join(map(str, jars)))
    return jars


def test_what_was_fetched_once_is_found_again(cache: Path) -> None:
    jars = fetched(cache)
    assert jars_present()
    assert kafka_class_path() == f"{jars[0]}:{jars[1]}"


def test_a_class_path_with_a_jar_missing_is_not_handed_out(cache: Path) -> None:
    fetched(cache)[1].unlink()
    assert not jars_present()
    with pytest.raises(FetchError, match=r"could not be fetched:\n."):
        kafka_class_path()


def test_nothing_fetched_is_nothing_present(cache: Path) -> None:
    assert not jars_present()
    assert not cache.exists()
