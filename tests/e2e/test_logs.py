"""What services write into their logs while the database is away: that it is, and nobody's secrets."""

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest

from support.booking_service import a_body
from support.certificates import Authority
from support.servers import Servers
from support.system import new_tenant, running_system
from support.webhook_service import SUBSCRIPTIONS

KEY = b"a key of a subscriber's own"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
HEADERS = {"X-Token": "token-of-a-header"}
CREDENTIALS = {
    "type": "oauth2_client_credentials",
    "token_url": "http://127.0.0.1:9/token",
    "client_id": "slotwire",
    "client_secret": "secret-of-a-client",
}
NEW = {"url": "https://127.0.0.1:9/hook", "events": ["*"]}


@pytest.mark.parametrize("shape", ["json", "console"])
async def test_no_secret_is_logged_while_the_database_is_away(servers: Servers, tmp_path: Path, shape: str) -> None:
    """Neither with a key that the service knows, nor with one that it would have to look up."""
    issued = Authority().issue()
    certificate = {"type": "mtls", "certificate": issued.certificate, "private_key": issued.private_key}
    async with running_system(servers, tmp_path, SLOTWIRE_LOG_FORMAT=shape) as system:
        one = f"{SUBSCRIPTIONS}/{(await system.made(SUBSCRIPTIONS, NEW))['id']}"
        requests: list[tuple[str, str, Any]] = [
            ("POST", SUBSCRIPTIONS, {**NEW, "secret": SECRET, "headers": HEADERS, "auth": certificate}),
            ("POST", SUBSCRIPTIONS, {**NEW, "secret": SECRET, "headers": HEADERS, "auth": CREDENTIALS}),
            ("PATCH", one, {"headers": HEADERS, "auth": CREDENTIALS}),
            ("POST", f"{one}/rotate-secret", {"secret": SECRET}),
            ("POST", f"{one}/rotate-secret", {}),
            ("POST", f"{one}/test", {}),
            ("POST", f"{one}/disable", {}),
            ("POST", "/api/v1/bookings", a_body(schedule_id="sch_00000000000000000000000000")),
            ("GET", "/api/v1/bookings", None),
        ]
        await system.call("GET", "/api/v1/bookings")
        unknown = await new_tenant(servers)
        await asyncio.to_thread(servers.postgres.kill)
        try:
            for method, path, body in requests:
                for caller in (system.tenant, unknown):
                    status, answer = await system.call(method, path, body, headers=caller.headers)
                    assert (status, answer["error"]["code"]) == (503, "unavailable"), (method, path)
        finally:
            await asyncio.to_thread(servers.postgres.start)
        logs = [tmp_path / f"{module}-0.log" for module in ("booking", "webhook_dispatcher")]
    logged = "".join(log.read_text() for log in logs)
    assert logged.count("request_failed") == 2 * len(requests)
    for secret in (
        system.tenant.key,
        unknown.key,
        "Bearer",
        KEY.decode(),
        base64.b64encode(KEY).decode(),
        HEADERS["X-Token"],
        CREDENTIALS["client_secret"],
        "PRIVATE KEY",
    ):
        assert secret not in logged
