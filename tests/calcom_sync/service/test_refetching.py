"""What webhooks told of is read again until an answer is as new, and nothing that goes wrong loses it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY

from support.calcom import Loss
from support.calcom.life import Happening
from support.calcom_service import INTEGRATION, CalcomService
from support.calcom_webhooks import Told, in_days, told_by_webhooks
from support.waiting import eventually


@pytest.fixture
async def told(service: CalcomService) -> AsyncIterator[Told]:
    async with told_by_webhooks(service) as office:
        yield office


async def enable(told: Told, *, enabled: bool) -> None:
    """Have the organization's bookings read by themselves, or not."""
    body = {"base_url": told.calcom.url, "default_schedule_id": "sch_a", "enabled": enabled}
    assert (await told.admin.send("PUT", INTEGRATION, body)).status == 200


async def ended(told: Told, number: int) -> list[dict[str, Any]]:
    """Wait until so many runs are over, and tell them, the oldest first."""

    async def enough() -> bool:
        return len([run for run in await told.runs() if run["ended_at"]]) >= number

    await eventually(enough, within=20)
    return (await told.runs())[::-1]


async def statuses(told: Told) -> list[str]:
    return [event.data.resource.status.value for event in await told.events()]


def readings(verdict: str) -> float:
    return REGISTRY.get_sample_value("slotwire_calcom_readings_total", {"verdict": verdict}) or 0.0


async def test_an_answer_that_is_older_than_the_webhook_is_not_the_last_word(told: Told) -> None:
    uid = told.life.create(in_days(1))
    await told.deliver()
    await told.quiet()
    told.life.advance(seconds=90)
    told.life.cancel(uid)
    told.calcom.defects.read_lag = timedelta(minutes=1)
    before = readings("again")
    await told.deliver()
    await ended(told, 2)
    assert await told.marks() == 1
    assert readings("again") == before + 1
    told.calcom.defects.read_lag = timedelta()
    await told.quiet()
    assert await statuses(told) == ["CONFIRMED", "CANCELLED"]


async def test_what_is_not_there_yet_is_looked_for_again(told: Told) -> None:
    told.life.create(in_days(1))
    told.calcom.defects.read_lag = timedelta(minutes=1)
    await told.deliver()
    await ended(told, 1)
    assert await told.marks() == 1
    told.calcom.defects.read_lag = timedelta()
    await told.quiet()
    assert await statuses(told) == ["CONFIRMED"]


async def test_what_is_not_there_for_long_is_gone(told: Told) -> None:
    uid = told.life.create(in_days(1))
    await told.deliver()
    await told.quiet()
    told.life.advance(seconds=90)
    told.life.confirm(uid)
    told.life.delete(uid)
    await enable(told, enabled=False)
    await told.deliver()
    await told.grow_old()
    await enable(told, enabled=True)
    await told.quiet()
    last = (await told.events())[-1].data.resource
    assert (last.status.value, last.status_reason) == ("CANCELLED", "deleted")


async def test_however_often_it_is_told_of_it_is_read_once(told: Told) -> None:
    await enable(told, enabled=False)
    uid = told.life.create(in_days(1))
    for _ in range(20):
        told.life.advance(seconds=1)
        told.life.confirm(uid)
    assert set(await told.deliver(Loss(doubled=0.5))) == {200, 202}
    assert (await told.marks(), await told.runs()) == (1, [])
    await enable(told, enabled=True)
    await told.quiet()
    assert told.calcom.requests[f"/v2/bookings/{uid}"] == 1
    (run,) = await told.runs()
    assert run["fetched"] == 1


async def test_a_run_takes_so_many_that_others_have_their_turn(told: Told) -> None:
    await enable(told, enabled=False)
    for _ in range(60):
        told.life.create(in_days(1))
    await told.deliver()
    await enable(told, enabled=True)
    await told.quiet()
    assert sorted(run["fetched"] for run in await told.runs()) == [10, 50]
    assert len(await told.events()) == 60


async def test_one_that_cannot_be_read_is_in_nobodys_way(told: Told) -> None:
    await enable(told, enabled=False)
    good = [told.life.create(in_days(1)) for _ in range(3)]
    broken = told.life.create(in_days(1))
    told.life.edit(broken, status="")
    await told.deliver()
    await enable(told, enabled=True)
    (run, *_) = await ended(told, 1)
    assert (run["status"], run["failed"], run["details"]["unreadable"]) == ("completed", 1, 1)
    assert sorted(event.subject for event in await told.events()) == sorted(good)
    assert await told.marks() == 1
    told.life.edit(broken, status="accepted")
    await told.quiet()
    assert len(await told.events()) == 4


async def test_what_cannot_be_asked_for_now_is_asked_for_later(told: Told) -> None:
    told.life.create(in_days(1))
    key, told.calcom.key = told.calcom.key, "cal_live_another_one"
    await told.deliver()
    (run, *_) = await ended(told, 1)
    assert run["error"]["code"] == "calcom_unauthorized"
    assert await told.marks() == 1
    told.calcom.key = key
    await told.quiet()
    assert await statuses(told) == ["CONFIRMED"]


async def test_what_happens_while_it_is_read_is_read_too(told: Told) -> None:
    """The second webhook comes while Cal.com answers as it was before."""
    uid = told.life.create(in_days(1))
    told.calcom.defects.delay = 0.5
    await told.deliver()

    async def is_asked() -> bool:
        return told.calcom.requests[f"/v2/bookings/{uid}"] == 1

    await eventually(is_asked, within=10)
    told.calcom.defects.read_lag = timedelta(minutes=1)
    told.life.advance(minutes=1)  # so what is being answered now is from before this
    told.life.cancel(uid)
    await told.deliver()
    told.calcom.defects.delay = 0.0

    async def is_told() -> bool:
        return len(await told.events()) == 1

    await eventually(is_told, within=10)
    assert await told.marks() == 1
    told.calcom.defects.read_lag = timedelta()
    await told.quiet()
    assert await statuses(told) == ["CONFIRMED", "CANCELLED"]


async def test_a_meetings_end_does_not_undo_an_absence_that_a_replica_does_not_know_yet(told: Told) -> None:
    """What is read is as before the absence, with the same time of writing; the webhook claims no writing."""
    uid = told.life.create(in_days(-0.5))
    await told.deliver()
    await told.quiet()
    told.life.advance(seconds=90)
    told.life.mark_absent(uid)
    await told.deliver()
    await ended(told, 2)
    assert await statuses(told) == ["COMPLETED", "NO_SHOW"]
    assert await told.marks() == 1
    await told.grow_old()
    await told.quiet()
    told.calcom.defects.read_lag = timedelta(minutes=1)
    row = told.life.row(uid)
    assert row is not None
    told.life.untold.append(Happening("MEETING_ENDED", told.life.now, row))
    before = readings("again")
    await told.deliver()

    async def is_read() -> bool:
        return readings("again") > before

    await eventually(is_read, within=10)
    told.calcom.defects.read_lag = timedelta()
    await told.grow_old()
    await told.quiet()
    assert await statuses(told) == ["COMPLETED", "NO_SHOW"]
