"""The page's programs that verify by hand take what is genuine, and nothing else, in each language that is here."""

import base64
import http.client
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from devstack.ports import HOST, free_port
from docs.conftest import ROOT, reader_environment
from docs.page import File, blocks
from webhook_dispatcher.domain.signature import format_secret, sign

KEY, OTHER_KEY = secrets.token_bytes(32), secrets.token_bytes(32)
BODY = '{"event": "reservation.created", "who": "Zoë"}'.encode()
ID = "dlv_01m7ykx5b8fb0saef0qh0n2d5x"
COMMANDS = {
    "by_hand.py": ("python3", "by_hand.py"),
    "by_hand.mjs": ("node", "by_hand.mjs"),
    "by_hand.go": ("./by_hand",),
}
PATIENCE = 30.0


@pytest.fixture(scope="module", params=COMMANDS)
def port(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where one of the programs listens, with the first of the keys."""
    name, folder, listening = request.param, tmp_path_factory.mktemp("by_hand"), free_port()
    (program,) = [one for one in blocks(ROOT / "docs/webhooks.md") if isinstance(one, File) and one.name == name]
    if program.needs is not None and shutil.which(program.needs) is None:
        pytest.skip(f"needs {program.needs}")
    (folder / name).write_text(program.text.replace("9000", str(listening)))
    env = {**reader_environment(), "WEBHOOK_SECRET": format_secret(KEY)}
    if program.needs == "go":
        subprocess.run(["go", "build", "-o", "by_hand", name], cwd=folder, env=env, check=True)  # noqa: S607 - as the page types it
    with running(COMMANDS[name], folder, env):
        wait_for(listening)
        yield listening


@contextmanager
def running(command: Sequence[str], folder: Path, env: dict[str, str]) -> Iterator[None]:
    with subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


def wait_for(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return socket.create_connection((HOST, port)).close()
        except ConnectionError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def answer(port: int, *signatures: str, timestamp: object = None, body: bytes = BODY, webhook_id: str = ID) -> int:
    """Post a delivery, and tell the status of the answer."""
    headers = {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(time.time()) if timestamp is None else timestamp),
        "webhook-signature": " ".join(signatures),
    }
    with closing(http.client.HTTPConnection(HOST, port, timeout=PATIENCE)) as connection:
        connection.request("POST", "/hook", body, headers)
        return connection.getresponse().status


def signed(key: bytes = KEY, ago: int = 0) -> tuple[str, int]:
    at = int(time.time()) - ago
    return sign(key, ID, at, BODY), at


def test_what_is_genuine_is_taken(port: int) -> None:
    signature, at = signed()
    assert answer(port, signature, timestamp=at) == 204


def test_one_right_signature_is_enough(port: int) -> None:
    """Standard Webhooks: «Webhook consumers can try to verify each signature until one matches.»"""
    mine, at = signed()
    other, _ = signed(OTHER_KEY)
    assert answer(port, other, mine, timestamp=at) == answer(port, mine, other, timestamp=at) == 204
    assert answer(port, "v2,later", "v1", "x", mine, timestamp=at) == 204


def test_anything_else_is_refused(port: int) -> None:
    signature, at = signed()
    digest = signature.removeprefix("v1,")
    assert answer(port, signed(OTHER_KEY)[0], timestamp=at) == 400
    assert answer(port, signature, timestamp=at, body=BODY + b" ") == 400
    assert answer(port, signature, timestamp=at, webhook_id=ID[:-1] + "y") == 400
    assert answer(port, signature, timestamp=at - 1) == 400
    assert answer(port, f"v2,{digest}", timestamp=at) == 400
    assert answer(port, digest, timestamp=at) == 400
    assert answer(port, f"v1,{base64.b64encode(b'short').decode()}", timestamp=at) == 400
    assert answer(port, "v1,", timestamp=at) == answer(port, "", timestamp=at) == 400
    assert answer(port, signature, timestamp="now") == answer(port, signature, timestamp="") == 400


@pytest.mark.parametrize("ago", [400, -400])
def test_what_was_recorded_is_refused_later(port: int, ago: int) -> None:
    """Standard Webhooks: «Make sure to verify the `webhook-timestamp` header has a timestamp that is within some
    allowable tolerance of the current timestamp to prevent replay attacks.»
    """
    signature, at = signed(ago=ago)
    assert answer(port, signature, timestamp=at) == 400
