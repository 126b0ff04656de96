"""The two commands, as processes."""

import asyncio
import base64
import os
import secrets
import signal
import subprocess
import sys

import aiohttp

from devstack.ports import free_port
from support.servers import Servers


def environment(servers: Servers, port: int) -> dict[str, str]:
    return {
        **os.environ,
        "SLOTWIRE_POSTGRES_URL": servers.postgres_url,
        "SLOTWIRE_KAFKA_BOOTSTRAP": servers.kafka_bootstrap,
        "SLOTWIRE_SECRET_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "SLOTWIRE_PORT": str(port),
    }


async def ready(url: str) -> None:
    """Wait until the service is ready."""
    async with asyncio.timeout(30), aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(url) as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.1)


async def test_it_migrates_twice_serves_and_ends_on_a_signal(servers: Servers) -> None:
    port = free_port()
    env = environment(servers, port)
    command = [sys.executable, "-m", "booking"]
    for _ in range(2):
        migrated = await asyncio.create_subprocess_exec(*command, "migrate", env=env)
        assert await migrated.wait() == 0
    service = await asyncio.create_subprocess_exec(*command, "serve", env=env, stderr=subprocess.PIPE)
    try:
        await ready(f"http://127.0.0.1:{port}/readyz")
        service.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            _, errors = await service.communicate()
    finally:
        if service.returncode is None:
            service.kill()
            await service.wait()
    assert service.returncode == 0, errors.decode()


async def test_it_tells_what_settings_it_lacks() -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("SLOTWIRE_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "booking", "serve", env=bare, stderr=subprocess.PIPE
    )
    _, errors = await process.communicate()
    assert process.returncode != 0
    assert b"postgres_url" in errors
