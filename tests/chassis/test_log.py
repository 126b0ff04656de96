"""What an error leaves in the log, in either shape: what went wrong and where, and no value of any variable."""

import asyncio
import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, logging, sys

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from chassis import log
from chassis.web.observability import answering


async def breaking(request):
    taken = request.headers["Authorization"]
    raise RuntimeError("a handler broke")


async def main():
    app = web.Application(middlewares=[answering({})])
    app.router.add_get("/", breaking)
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/", headers={"Authorization": "Bearer of-nobody"})
        print(answer.status)


log.configure(service="tests", shape=sys.argv[1], level="info")
asyncio.run(main())
kept = "Bearer " + "of-nobody"
try:
    raise ValueError("a library broke")
except ValueError:
    logging.getLogger("library").exception("library_failed")
"""


@pytest.mark.parametrize("shape", ["json", "console"])
async def test_an_error_tells_where_it_arose_and_no_values(shape: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, shape, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    told, logged = (text.decode() for text in await process.communicate())
    assert told.split() == ["500"]
    for words in ("request_failed", "a handler broke", "breaking", "library_failed", "a library broke"):
        assert words in logged
    assert "of-nobody" not in logged
