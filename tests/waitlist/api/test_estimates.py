"""How long entries probably wait, as every answer shows it."""

from support.waitlist_desk import Bistro, Desk, served
from support.waitlist_service import DATE, PATH, Guest, WaitlistService

FIELD = "estimatedWaitMinutes"


async def test_every_answer_shows_the_median_of_those_who_were_served(
    service: WaitlistService, desk: Desk, bistro: Bistro
) -> None:
    await served(desk, bistro, 10, 20, 30, 200)
    first = await bistro.joins()
    assert first[FIELD] is None  # too few
    await served(desk, bistro, 100, first=9)
    second = await bistro.joins()
    staff = desk.staff.waitlist
    path = f"{PATH}/{first['id']}"
    assert 30 <= (await staff.get(path)).data[FIELD] <= 31
    assert 30 <= (await staff.patch(path, {"notes": "Window"})).data[FIELD] <= 31
    assert 30 <= (await staff.patch(path, {"notes": "Window"})).data[FIELD] <= 31
    listed = (await staff.get(f"{PATH}?requestedDate={DATE}")).data
    assert [(entry["id"], entry[FIELD] is None) for entry in listed] == [(first["id"], False), (second["id"], True)]

    await bistro.falls_free()
    await desk.match(bistro.queue)
    assert (await staff.get(path)).data[FIELD] is None  # it has its offer
    assert 30 <= (await staff.post(f"{path}/decline", {})).data[FIELD] <= 31
    assert (await staff.delete(path)).data[FIELD] is None

    other: Guest = await service.staff()
    elsewhere = await Bistro.of(desk.staff)
    assert (await elsewhere.joins())[FIELD] is None
    assert (await (await Bistro.of(other)).joins())[FIELD] is None
