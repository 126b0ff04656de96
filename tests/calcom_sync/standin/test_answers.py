"""What the stand-in answers beside lists: single bookings, refusals, other versions, and its failures."""

from datetime import timedelta

import aiohttp
import pytest

from support.calcom import KEY, Attendee, Defects, Kind, Malformed, StandIn, Throttle
from support.calcom.asker import Asker
from support.calcom.life import BEGINNING

SOON = BEGINNING + timedelta(days=1)


async def test_a_booking(calcom: StandIn, ask: Asker) -> None:
    uid = calcom.life.create(SOON, Attendee(phone="+491701234567"))
    status, told = await ask(f"/v2/bookings/{uid}")
    booking = told["data"]
    assert (status, booking["uid"], booking["status"], booking["cancellationReason"]) == (200, uid, "accepted", "")
    assert (booking["start"], booking["duration"]) == ("2026-01-06T08:00:00.000Z", 30)
    assert booking["attendees"][0]["phoneNumber"] == "+491701234567"
    assert not {"rescheduledFromUid", "rescheduledToUid", "recurringBookingUid"} & booking.keys()
    status, told = await ask("/v2/bookings/none")
    assert (status, told["status"], told["error"]["code"]) == (404, "error", "NotFoundException")
    assert told["path"] == "/v2/bookings/none"


async def test_people_may_come_in_another_order_each_time(calcom: StandIn, ask: Asker) -> None:
    people = tuple(Attendee(name, f"{name}@guest.example") for name in "abcdef")
    uid = calcom.life.create(SOON, *people)

    async def orders(path: str) -> set[tuple[str, ...]]:
        told = [(await ask(path))[1]["data"] for _ in range(10)]
        rows = [each[0] if isinstance(each, list) else each for each in told]
        return {tuple(one["name"] for one in row["attendees"]) for row in rows}

    paths = (f"/v2/bookings/{uid}", "/v2/bookings")
    assert [await orders(path) for path in paths] == [{tuple("abcdef")}] * 2
    calcom.defects.mixed_people = True
    for path in paths:
        mixed = await orders(path)
        assert len(mixed) > 1
        assert {tuple(sorted(each)) for each in mixed} == {tuple("abcdef")}


async def test_one_may_be_refused_by_itself(calcom: StandIn, ask: Asker) -> None:
    uid, other = calcom.life.create(SOON), calcom.life.create(SOON)
    calcom.defects.forbidden = {uid}
    assert [(await ask(f"/v2/bookings/{each}"))[0] for each in (uid, other)] == [403, 200]
    assert len((await ask("/v2/bookings"))[1]["data"]) == 2


async def test_the_uid_of_a_series_answers_all_of_it(calcom: StandIn, ask: Asker) -> None:
    made = calcom.life.create_series([SOON, SOON + timedelta(days=7)])
    series = calcom.life.last_row(made[0]).recurring_uid
    _, told = await ask(f"/v2/bookings/{series}")
    assert [booking["uid"] for booking in told["data"]] == made


async def test_seats_have_their_own_shape(calcom: StandIn, ask: Asker) -> None:
    uid = calcom.life.create(SOON, kind=Kind(seats=True))
    booking = (await ask(f"/v2/bookings/{uid}"))[1]["data"]
    assert not {"bookingFieldsResponses", "guests"} & booking.keys()
    assert {"seatUid", "metadata", "bookingFieldsResponses"} <= booking["attendees"][0].keys()


async def test_a_wrong_key_is_refused(calcom: StandIn, ask: Asker) -> None:
    status, told = await ask(key="cal_live_wrong")
    assert (status, told["error"]["code"]) == (401, "UnauthorizedException")
    assert calcom.count == 1


@pytest.mark.parametrize("version", [None, "2024-08-14"])
async def test_an_unknown_version_falls_back_silently(calcom: StandIn, ask: Asker, version: str | None) -> None:
    calcom.life.create(SOON)
    status, told = await ask(version=version)
    assert (status, told["data"].keys()) == (200, {"bookings", "recurringInfo", "totalCount", "nextCursor"})
    assert isinstance((await ask())[1]["data"], list)
    calcom.defects.old_version = True
    assert isinstance((await ask())[1]["data"], dict)


async def test_nulls_and_the_unknown_host_are_the_same_each_time(calcom: StandIn, ask: Asker) -> None:
    calcom.defects = Defects(nulls=True, unknown_host=True)
    for _ in range(21):
        calcom.life.create(SOON, description="A talk")
    _, told = await ask()
    assert told == (await ask())[1]
    for name in ("eventType", "eventTypeId", "description", "updatedAt"):
        assert {booking[name] is None for booking in told["data"]} == {True, False}
    assert {booking["hosts"][0]["id"] for booking in told["data"]} == {7, "unknown"}


async def test_who_asks_too_often_is_locked_out(calcom: StandIn, ask: Asker) -> None:
    calcom.defects.throttle = Throttle(limit=2, window=60, block=0.3)
    headers = {"Authorization": f"Bearer {KEY}", "cal-api-version": "2024-08-13"}
    async with aiohttp.ClientSession(headers=headers) as session:
        seen = []
        for _ in range(3):
            async with session.get(f"{calcom.url}/v2/bookings") as answer:
                told = {name: answer.headers[f"X-RateLimit-{name}-Default"] for name in ("Limit", "Remaining", "Reset")}
                seen.append((answer.status, told))
                assert "Retry-After" not in answer.headers
    assert seen == [
        (200, {"Limit": "2", "Remaining": "1", "Reset": "60"}),
        (200, {"Limit": "2", "Remaining": "0", "Reset": "60"}),
        (429, {"Limit": "2", "Remaining": "0", "Reset": "1"}),
    ]
    assert (await ask(key="another"))[0] == 401
    calcom.defects.throttle = Throttle(limit=2, window=60, block=0.0)
    while (await ask())[0] == 429:
        assert calcom.count < 10_000
    assert calcom.requests["/v2/bookings"] == calcom.count


async def test_failures(calcom: StandIn, ask: Asker) -> None:
    calcom.life.create(SOON)
    calcom.defects.failing = 1
    status, told = await ask()
    assert (status, told["status"]) == (500, "error")
    assert (await ask())[0] == 200
    calcom.defects.down = True
    with pytest.raises(aiohttp.ClientError):
        await ask()
    assert calcom.count >= 3  # aiohttp asks once more by itself where a kept connection was cut


@pytest.mark.parametrize("how", Malformed)
async def test_every_page_may_be_broken(calcom: StandIn, ask: Asker, how: Malformed) -> None:
    calcom.life.create(SOON)
    calcom.defects.malformed = how
    match how:
        case Malformed.CUT_OFF | Malformed.NO_JSON:
            with pytest.raises((ValueError, aiohttp.ClientError)):
                await ask()
        case Malformed.NO_LIST:
            assert (await ask())[1]["data"] == "bookings"
        case Malformed.NO_OBJECT:
            assert (await ask())[1]["data"][-1] == 42
        case Malformed.NO_UID:
            assert "uid" not in (await ask())[1]["data"][-1]
        case Malformed.NO_START:
            assert (await ask())[1]["data"][-1]["start"] == "soon"


async def test_it_tells_whose_key_it_is(calcom: StandIn, ask: Asker) -> None:
    assert (await ask("/v2/me"))[1]["data"]["email"] == calcom.life.owner.email
