"""What takes too long is ended then, by itself, whatever else has a deadline or is cancelled."""

import asyncio
import time

import pytest

from webhook_dispatcher.client.deadline import Deadline

SECONDS = 0.1
SLACK = 0.07  # far less than another whole deadline after what was due before


async def within(deadline: Deadline, seconds: float) -> str:
    try:
        with deadline.kept():
            await asyncio.sleep(seconds)
    except TimeoutError:
        await asyncio.sleep(0)  # nothing is left of the cancellation
        return "late"
    return "done"


async def test_each_has_the_whole_time_and_no_more() -> None:
    deadline, loop = Deadline(SECONDS), asyncio.get_running_loop()
    began = loop.time()

    async def after(pause: float, seconds: float) -> tuple[str, float]:
        await asyncio.sleep(pause)
        return await within(deadline, seconds), loop.time() - began

    outcomes = await asyncio.gather(
        after(0.0, 60.0), after(0.0, 0.01), after(0.02, 60.0), after(0.02, 0.01), after(0.3, 60.0), after(0.3, 0.0)
    )
    assert [outcome for outcome, _ in outcomes] == ["late", "done", "late", "done", "late", "done"]
    lasted = [at for outcome, at in outcomes if outcome == "late"]
    assert lasted == sorted(lasted)
    for at, due in zip(lasted, (0.1, 0.12, 0.4), strict=True):
        assert due <= at < due + SLACK


async def test_a_task_that_was_late_has_another_deadline() -> None:
    deadline = Deadline(SECONDS)
    assert [await within(deadline, seconds) for seconds in (60.0, 0.0, 60.0)] == ["late", "done", "late"]
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_who_cancels_the_task_cancels_it() -> None:
    deadline = Deadline(SECONDS)
    task = asyncio.create_task(within(deadline, 60.0))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


@pytest.mark.parametrize("pause", [SECONDS / 2, SECONDS * 2])
async def test_who_cancels_the_task_in_the_moment_in_which_it_is_late_cancels_it(pause: float) -> None:
    """Before it is told that it is late or after, as the pause has it: both come before it can go on."""
    deadline = Deadline(SECONDS)
    task = asyncio.create_task(within(deadline, 60.0))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(pause, task.cancel)
    time.sleep(SECONDS * 3)  # noqa: ASYNC251 - both are due when the loop goes on
    await asyncio.wait([task])
    assert task.cancelled()


async def test_what_does_not_heed_it_goes_on_and_is_not_cancelled_later() -> None:
    deadline = Deadline(SECONDS)
    with deadline.kept():
        try:
            await asyncio.sleep(60.0)
        except asyncio.CancelledError:
            heeded = False
    await asyncio.sleep(0)
    task = asyncio.current_task()
    assert task is not None
    assert (heeded, task.cancelling()) == (False, 0)


async def test_what_else_is_raised_is_raised() -> None:
    deadline = Deadline(SECONDS)
    with pytest.raises(ConnectionError), deadline.kept():
        raise ConnectionError
    assert await within(deadline, 60.0) == "late"
