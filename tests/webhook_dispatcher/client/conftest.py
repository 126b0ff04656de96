"""An authority that this machine trusts for the time of a test."""

from pathlib import Path

import pytest

from support.certificates import Authority


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority whose certificates are taken by TLS contexts that are made from now on."""
    one = Authority()
    trusted = tmp_path / "trusted.pem"
    trusted.write_text(one.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    return one
