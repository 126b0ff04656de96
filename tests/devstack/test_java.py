"""Which Java is taken: the machine's own, if it is new enough."""

from pathlib import Path

import pytest

from devstack.java import java_version, machine_java


def a_java(home: Path, says: str) -> Path:
    """A program that tells a version as Java does; its path."""
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ('openjdk version "21.0.2" 2024-01-16', 21),
        ('openjdk version "17" 2021-09-14', 17),
        ('java version "1.8.0_402"', 1),
        ("no Java at all", 0),
    ],
)
def test_a_java_tells_its_version(tmp_path: Path, says: str, version: int) -> None:
    assert java_version(a_java(tmp_path, says)) == version


def test_the_first_that_is_new_enough_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = a_java(tmp_path / "old", 'openjdk version "11.0.22"')
    new = a_java(tmp_path / "new", 'openjdk version "17.0.1"')
    monkeypatch.setenv("PATH", f"{new.parent}:/bin")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "old"))
    assert machine_java() == new
    monkeypatch.setenv("PATH", f"{old.parent}:/bin")
    assert machine_java() is None
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "new"))
    assert machine_java() == new
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    assert machine_java() is None
