"""Loops survive their errors, stop when asked, and are cancelled only when their time is up."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from chassis.backoff import Backoff
from chassis.lifecycle import Loop, Stop, background
from devstack.ports import free_port
from support.programs import running_program
from support.waiting import eventually

QUICK = Backoff(base=0.001, cap=0.01)


async def raises() -> None:
    raise RuntimeError("not yet")


async def waits_for_what_is_cancelled() -> None:
    """What a loop waits for may be cancelled by whoever owns it; nobody has asked the loop to end."""
    others = asyncio.ensure_future(asyncio.sleep(60))
    others.cancel()
    await others


@pytest.mark.parametrize("fail", [raises, waits_for_what_is_cancelled])
async def test_a_loop_that_fails_is_started_again(fail: Callable[[], Awaitable[None]]) -> None:
    runs = 0

    async def run(stop: Stop) -> None:
        nonlocal runs
        runs += 1
        if runs < 4:
            await fail()
        await stop.wait(60)

    async with background(Loop("flaky", run, QUICK), drain_seconds=1):
        async with asyncio.timeout(10):
            while runs < 4:
                await asyncio.sleep(0.01)

    assert runs == 4


async def test_loops_are_asked_to_stop_before_they_are_cancelled() -> None:
    ended: list[str] = []

    async def polite(stop: Stop) -> None:
        await stop.wait(60)
        await asyncio.sleep(0.05)
        ended.append("polite")

    async def stuck(stop: Stop) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append(f"stuck, stopping: {stop.is_set()}")
            raise

    async with background(Loop("polite", polite), Loop("stuck", stuck), drain_seconds=0.3):
        await asyncio.sleep(0.05)

    assert ended == ["polite", "stuck, stopping: True"]


async def test_a_loop_that_is_cancelled_and_fails_to_clean_up_ends_all_the_same() -> None:
    async def stuck(_: Stop) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise ConnectionError("the broker is away")

    async with background(Loop("stuck", stuck), drain_seconds=0.1):
        await asyncio.sleep(0.05)


async def test_a_stop_wakes_who_waits_for_something_else() -> None:
    stop, woken = Stop(), asyncio.Event()
    stop.waking(woken.set)
    stop.waking(woken.set)

    stop.set()

    assert woken.is_set()
    assert await stop.wait(60)


PROGRAM = """
import asyncio, sys
from aiohttp import web
from chassis import lifecycle

async def slow(_):
    print("begun", flush=True)
    await asyncio.sleep(0.5)
    return web.Response(text="done")

app = web.Application()
app.router.add_get("/", slow)
lifecycle.run(lambda: lifecycle.serve(app, host="127.0.0.1", port=int(sys.argv[1]), drain_seconds=5))
"""


async def test_sigterm_lets_a_running_request_end(tmp_path: Path) -> None:
    port = free_port()
    async with running_program(PROGRAM, str(port), folder=tmp_path) as process, aiohttp.ClientSession() as session:

        async def ask() -> str:
            async with session.get(f"http://127.0.0.1:{port}/") as answer:
                return await answer.text()

        async def listening() -> bool:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                return False
            writer.close()
            return True

        await eventually(listening)
        asking = asyncio.create_task(ask())
        assert process.stdout is not None
        while await process.stdout.readline() != b"begun\n":
            pass
        process.terminate()

        assert await asking == "done"
        assert await process.wait() == 0
