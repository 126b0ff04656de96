"""The demo tenant is used again as long as the server knows it."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from chassis.identity import Identity, KeyKind
from devstack.folder import Folder
from devstack.ports import HOST, accepts, free_port
from devstack.process import Command, Leashed
from devstack.tenant import ensure_tenant
from support.servers import Servers
from support.waiting import eventually

SERVICE = Path(__file__).with_name("tiny_service.py")


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    """A tiny service that knows nothing yet; its URL."""
    port = free_port()
    env = {**os.environ, "SLOTWIRE_HOST": HOST, "SLOTWIRE_PORT": str(port)}
    process = Leashed.start(Command(argv=[sys.executable, str(SERVICE)], env=env), sys.stderr.fileno())

    async def listens() -> bool:
        return accepts(port)

    try:
        await eventually(listens)
        yield f"http://{HOST}:{port}"
    finally:
        await asyncio.to_thread(process.stop)


async def test_a_tenant_is_made_once(servers: Servers, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    async with serving() as url:
        made = await ensure_tenant(folder, url, servers.postgres_url)
        assert await ensure_tenant(folder, url, servers.postgres_url) == made
    assert json.loads(folder.demo.read_text())["key"] == made.key
    assert folder.demo.stat().st_mode & 0o777 == 0o600


async def test_its_key_opens_everything_of_its_organization(servers: Servers, tmp_path: Path) -> None:
    async with serving() as url:
        made = await ensure_tenant(Folder(tmp_path), url, servers.postgres_url)
    identity, database = Identity.on(servers.postgres_url)
    async with database.opened():
        caller = await identity.find(made.key)
    assert caller is not None
    assert (caller.org_id, caller.kind, set(caller.scopes)) == (made.org, KeyKind.ADMIN, {"*"})


async def test_a_tenant_that_the_server_forgot_is_made_anew(servers: Servers, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    async with serving() as url:
        forgotten = await ensure_tenant(folder, url, servers.postgres_url)
    async with serving() as url:
        made = await ensure_tenant(folder, url, servers.postgres_url)
        assert made.org != forgotten.org
        assert await ensure_tenant(folder, url, servers.postgres_url) == made
