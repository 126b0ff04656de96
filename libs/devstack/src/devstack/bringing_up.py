"""Bringing a service up: its databases prepared, then waited for until it says that it is ready.

Invariant: what does not come up is an `UpError` that names the service, and never an endless wait.
"""

import asyncio
import tempfile
from collections.abc import Mapping

import aiohttp

from devstack.ports import HOST
from devstack.process import Command, Leashed
from devstack.services import Service, ServiceProcess

READY_TIMEOUT = 60.0  # seconds
START_LIMIT = 4  # starts of one service before the stack gives up bringing it up


class UpError(RuntimeError):
    """The stack could not be brought up; the message says why."""


async def migrate(service: Service, env: Mapping[str, str]) -> None:
    """Prepare a service's databases.

    Raises:
        UpError: it failed; the message carries what it printed.
    """
    if service.migrate is None:
        return
    with tempfile.TemporaryFile() as output:
        process = Leashed.start(Command(argv=service.migrate, env=env), output.fileno())
        try:
            code = await asyncio.to_thread(process.wait)
        finally:
            process.stop()
        if code != 0:
            output.seek(0)
            raise UpError(f"the databases of {service.name} could not be prepared:\n{output.read().decode()}")


async def wait_until_ready(process: ServiceProcess, port: int) -> None:
    """Wait until a service says that it is ready.

    Raises:
        UpError: it keeps dying, or is not ready in time.
    """
    name = process.service.name
    try:
        async with asyncio.timeout(READY_TIMEOUT), aiohttp.ClientSession(f"http://{HOST}:{port}") as session:
            while not await _answers(session):
                if process.starts >= START_LIMIT:
                    raise UpError(f"{name} keeps dying; its last lines stand above")
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise UpError(f"{name} was not ready after {READY_TIMEOUT:.0f} s; its last lines stand above") from None


async def _answers(session: aiohttp.ClientSession) -> bool:
    try:
        async with session.get("/readyz") as answer:
            return answer.ok
    except aiohttp.ClientError:
        return False
