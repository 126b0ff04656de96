"""The env file means the same to a shell and to us."""

import subprocess
from pathlib import Path

from devstack.envfile import read_env, write_env

VALUES = {"SLOTWIRE_URL": "http://127.0.0.1:8080", "SLOTWIRE_KEY": 'it\'s $HOME `id` \\ "quoted" #x'}


def test_a_shell_sources_it(tmp_path: Path) -> None:
    write_env(tmp_path / "env", VALUES)
    script = f'. {tmp_path}/env; printf "%s\\n%s" "$SLOTWIRE_URL" "$SLOTWIRE_KEY"'
    told = subprocess.run(["/bin/sh", "-euc", script], capture_output=True, text=True, check=True).stdout
    assert told == "\n".join(VALUES.values())


def test_we_read_it_back(tmp_path: Path) -> None:
    write_env(tmp_path / "env", VALUES)
    assert read_env(tmp_path / "env") == VALUES
    assert read_env(tmp_path / "absent") == {}


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    write_env(tmp_path / "env", VALUES)
    assert (tmp_path / "env").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["env"]
