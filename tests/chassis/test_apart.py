"""A loop apart: what runs in it, how it ends, and that nothing of it is left."""

import asyncio
import gc
import threading
import time

import pytest

from chassis.apart import apart, at_home
from chassis.lifecycle import Stop

NAME = "apart"


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == NAME]


async def stubborn() -> None:
    """Go on in spite of being cancelled, twice."""
    for _ in range(3):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            continue


async def until_asked(stop: Stop) -> None:
    while not await stop.wait(60):
        pass


async def test_it_runs_in_a_thread_and_a_loop_of_its_own() -> None:
    seen: list[object] = []

    async def main(_: Stop) -> None:
        seen.extend([threading.current_thread().name, asyncio.get_running_loop()])

    await apart(main, Stop(), name=NAME)
    assert seen[0] == NAME
    assert seen[1] is not asyncio.get_running_loop()
    assert threads() == []


def work(seconds: float) -> None:
    """Keep the processor busy for so long."""
    ends = time.thread_time() + seconds
    while time.thread_time() < ends:
        pass


async def test_however_much_there_is_to_do_it_leaves_half_of_the_time_to_others() -> None:
    worked = lasted = 0.0

    async def main(_: Stop) -> None:
        nonlocal worked, lasted
        before, began = time.thread_time(), time.monotonic()
        for _turn in range(20):
            work(0.005)
            await asyncio.sleep(0)
        worked, lasted = time.thread_time() - before, time.monotonic() - began

    await apart(main, Stop(), name=NAME)
    assert worked < 0.55 * lasted


async def test_behind_a_long_turn_it_does_not_rest_all_at_once() -> None:
    paused = 0.0

    async def main(_: Stop) -> None:
        nonlocal paused
        work(0.5)
        ended = time.monotonic()
        await asyncio.sleep(0)
        paused = time.monotonic() - ended

    await apart(main, Stop(), name=NAME)
    assert paused < 0.4


async def test_what_it_raises_is_raised_at_home() -> None:
    async def main(_: Stop) -> None:
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        await apart(main, Stop(), name=NAME)
    assert threads() == []


async def test_asked_to_stop_it_passes_that_on() -> None:
    stop = Stop()
    running = asyncio.create_task(apart(until_asked, stop, name=NAME))
    await asyncio.sleep(0.1)
    assert threads() == [NAME]
    stop.set()
    async with asyncio.timeout(2):
        await running
    assert threads() == []


@pytest.mark.parametrize("times", [1, 2])
async def test_cancelled_it_ends_in_order_first(times: int) -> None:
    """The second time it is already waiting for the end."""
    in_order = threading.Event()

    async def main(stop: Stop) -> None:
        await until_asked(stop)
        await asyncio.sleep(0.3)
        in_order.set()

    stop = Stop()
    running = asyncio.create_task(apart(main, stop, name=NAME))
    await asyncio.sleep(0.1)
    if times == 2:
        stop.set()
        await asyncio.sleep(0.1)
    running.cancel()
    await asyncio.wait([running], timeout=2)
    assert running.cancelled()
    assert in_order.is_set()
    assert threads() == []


async def test_tasks_and_connections_that_are_left_are_ended() -> None:
    heard_end = asyncio.Event()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        heard_end.set()
        writer.close()

    async with await asyncio.start_server(hear, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        left: list[object] = []

        async def main(_: Stop) -> None:
            left.append(await asyncio.open_connection("127.0.0.1", port))
            left.append(asyncio.create_task(stubborn()))
            await asyncio.sleep(0)

        async with asyncio.timeout(3):
            await apart(main, Stop(), name=NAME)
            await heard_end.wait()
        task = left.pop()
        assert isinstance(task, asyncio.Task)
        assert task.done()
    left.clear()
    gc.collect()  # what was left open would complain


async def test_what_is_of_home_is_done_at_home_and_answers_from_there() -> None:
    home, seen = asyncio.get_running_loop(), []

    async def act(number: int, *, fails: bool = False) -> str:
        seen.append((number, asyncio.get_running_loop()))
        if fails:
            raise LookupError("lost")
        return "done"

    acted = at_home(act)

    async def main(_: Stop) -> None:
        assert asyncio.get_running_loop() is not home
        assert await acted(1) == "done"
        with pytest.raises(LookupError, match="lost"):
            await acted(2, fails=True)

    await apart(main, Stop(), name=NAME)
    assert seen == [(1, home), (2, home)]
