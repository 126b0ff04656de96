"""What takes too long is ended then, by itself, whatever else has a deadline or is cancelled."""

import asyncio

import pytest

from webhook_dispatcher.client.deadline import Deadline

SECONDS = 0.1


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
        after(0.0, 60.0), after(0.0, 0.01), after(0.06, 60.0), after(0.06, 0.01), after(0.3, 60.0), after(0.3, 0.0)
    )
    assert [outcome for outcome, _ in outcomes] == ["late", "done", "late", "done", "late", "done"]
    lasted = [at for outcome, at in outcomes if outcome == "late"]
    assert lasted == sorted(lasted)
    for at, due in zip(lasted, (0.1, 0.16, 0.4), strict=True):
        assert due <= at


async def test_a_task_that_was_late_has_another_deadline() -> None:
    deadline = Deadline(SECONDS)
    assert [await within(deadline, seconds) for seconds in (60.0, 0.0, 60.0)] == ["late", "done", "late"]
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


@pytest.mark.parametrize("is_late_too", [False, True])
async def test_who_cancels_the_task_cancels_it(*, is_late_too: bool) -> None:
    deadline = Deadline(SECONDS)
    task = asyncio.create_task(within(deadline, 60.0))
    await asyncio.sleep(0)
    if is_late_too:
        asyncio.get_running_loop().call_later(SECONDS, task.cancel)  # in the moment in which it is late
    else:
        task.cancel()
    await asyncio.wait([task])
    assert task.cancelled() or (is_late_too and task.result() == "late")


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
