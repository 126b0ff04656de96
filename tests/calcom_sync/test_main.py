"""The two commands, as processes."""

import asyncio
import os
import signal
import subprocess
import sys

import aiohttp

from devstack.ports import HOST, free_port
from support.servers import Servers
from support.system import service_environment
from support.waiting import eventually

COMMAND = [sys.executable, "-m", "calcom_sync"]


async def test_it_migrates_twice_serves_and_ends_on_a_signal(servers: Servers) -> None:
    port = free_port()
    env = service_environment(servers, SLOTWIRE_PORT=str(port))
    for _ in range(2):
        migrated = await asyncio.create_subprocess_exec(*COMMAND, "migrate", env=env)
        assert await migrated.wait() == 0
    service = await asyncio.create_subprocess_exec(*COMMAND, "serve", env=env, stderr=subprocess.PIPE)

    async def is_ready() -> bool:
        try:
            async with aiohttp.ClientSession() as http, http.get(f"http://{HOST}:{port}/readyz") as response:
                return response.ok
        except aiohttp.ClientConnectionError:
            return False

    try:
        await eventually(is_ready, within=30)
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
    process = await asyncio.create_subprocess_exec(*COMMAND, "serve", env=bare, stderr=subprocess.PIPE)
    _, errors = await process.communicate()
    assert process.returncode != 0
    assert b"postgres_url" in errors
