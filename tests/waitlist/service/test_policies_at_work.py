"""The three policies, and what they say about order, deadlines and who let a place pass."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from support.booking_service import SOON, text
from support.waiting import eventually
from support.waiting_entries import marked
from support.waitlist_desk import Bistro, Desk, change_of, confirmed, held
from support.waitlist_service import PATH, WaitlistService
from waitlist.domain.errors import OfferGoneError, PlaceTakenError
from waitlist.domain.passing import EXPIRIES_IN_A_ROW


async def test_under_offer_one_nobody_ahead_is_overtaken_but_who_does_not_fit(desk: Desk, bistro: Bistro) -> None:
    large = await bistro.joins(partySize=4)
    fitting = await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    assert [await desk.status(one["id"]) for one in (large, fitting)] == ["waiting", "notified"]


async def test_in_strict_order_who_does_not_fit_is_waited_for(desk: Desk, bistro: Bistro) -> None:
    await bistro.policy(strictOrder=True)
    await bistro.joins(partySize=4)
    fitting = await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    assert await desk.status(fitting["id"]) == "waiting"


async def test_a_greater_priority_is_asked_first(desk: Desk, bistro: Bistro) -> None:
    early = await bistro.joins()
    urgent = await bistro.joins(priority=5)
    await bistro.falls_free()
    await desk.match(bistro.queue)
    assert [await desk.status(one["id"]) for one in (early, urgent)] == ["waiting", "notified"]


async def test_who_lets_a_place_pass_may_have_to_leave(desk: Desk, bistro: Bistro, service: WaitlistService) -> None:
    await bistro.policy(afterExpiry="leave")
    first, second = await bistro.joins(), await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    desk.watch.turn(minutes=16)
    await desk.match(bistro.queue)
    assert await desk.status(first["id"]) == "expired"
    told = await service.told(first["id"])
    assert [event.type.partition(".")[2] for event in told] == ["joined", "notified", "offer_expired", "removed"]
    assert [change_of(told[:many])["reason"] for many in (3, 4)] == ["expired", "expired"]
    await desk.decline(second["id"])
    assert change_of(await service.told(second["id"]))["reason"] == "declined"


async def test_under_notify_all_the_first_to_convert_wins_and_the_others_stay(
    desk: Desk, bistro: Bistro, service: WaitlistService
) -> None:
    await bistro.policy(policy="notify_all")
    waiting = [(await bistro.joins())["id"] for _ in range(20)]
    await bistro.falls_free()
    await desk.match(bistro.queue)
    assert {await desk.status(one) for one in waiting} == {"notified"}
    assert await held(desk) == []

    ends = await asyncio.gather(*(desk.convert(one) for one in waiting), return_exceptions=True)
    booked = [end for end in ends if isinstance(end, str)]
    assert await confirmed(desk) == booked
    assert len(booked) == 1
    assert all(isinstance(end, str | PlaceTakenError | OfferGoneError) for end in ends), ends

    await desk.match(bistro.queue)
    losers = [one for one, end in zip(waiting, ends, strict=True) if not isinstance(end, str)]
    assert {await desk.status(one) for one in losers} == {"waiting"}
    told = await service.told(losers[0])
    assert (told[-1].type, change_of(told)["reason"]) == ("waitlist_entry.offer_expired", "taken")


async def test_under_notify_all_who_was_not_quick_enough_is_told_by_a_match(
    service: WaitlistService, desk: Desk, bistro: Bistro
) -> None:
    await bistro.policy(policy="notify_all")
    quick, slow = await bistro.joins(), await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    await service.heard_all()
    await desk.forget()
    await desk.convert(quick["id"])
    assert await marked(desk.database, desk.org_id) == {bistro.queue}
    await desk.match(bistro.queue)
    assert await desk.status(slow["id"]) == "waiting"
    assert await desk.offer(slow["id"]) is None


async def test_under_auto_convert_the_next_is_booked_at_once(desk: Desk, bistro: Bistro) -> None:
    await bistro.policy(policy="auto_convert")
    unreachable = await bistro.joins(contact={"phone": "+1 555 0100"})
    first, second = await bistro.joins(), await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    found = [await desk.status(one["id"]) for one in (unreachable, first, second)]
    assert found == ["waiting", "converted", "waiting"]
    assert len(await confirmed(desk)) == 1


async def test_under_auto_convert_whom_booking_refuses_is_in_nobodys_way(desk: Desk, bistro: Bistro) -> None:
    await bistro.policy(policy="auto_convert", strictOrder=True)
    email = "a" * 64 + "@" + ".".join(["b" * 60] * 3) + ".com"
    refused = await bistro.joins(contact={"email": email})  # which is too long to be a name at booking
    second = await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    assert [await desk.status(one["id"]) for one in (refused, second)] == ["waiting", "converted"]
    await bistro.staff.booking.delete(f"/api/v1/bookings/{(await confirmed(desk))[0]}")
    (told,) = (await desk.staff.waitlist.get(f"{PATH}/{refused['id']}/explain")).data["reasons"]
    assert (told["code"], told["rule"]) == ("refused", "booking")
    assert "200" in told["details"]["message"], told


async def test_under_auto_convert_who_has_booked_is_booked_nothing_that_overlaps_it(desk: Desk, bistro: Bistro) -> None:
    evening = await Bistro.of(bistro.staff, tables=2)
    await evening.policy(policy="auto_convert")
    window = {"preferredStartTime": text(SOON), "preferredEndTime": text(SOON + timedelta(minutes=150))}
    entry = await evening.joins(**window)
    await evening.falls_free()
    herself = {"location_id": evening.location_id, "party_size": 2, "attendee": entry["contact"]}
    booked = await evening.staff.booking.book(at=SOON, minutes=90, **herself)
    assert booked.status == 201, booked.body
    await evening.falls_free()
    await desk.match(evening.queue)
    assert await desk.status(entry["id"]) == "waiting"
    (told,) = (await desk.staff.waitlist.get(f"{PATH}/{entry['id']}/explain")).data["reasons"]
    assert (told["code"], told["details"]["refusal"]) == ("refused", "already_booked")


async def test_several_places_go_to_several_in_turn(desk: Desk, bistro: Bistro) -> None:
    staff = bistro.staff
    evening = await Bistro.of(staff, tables=3)
    waiting = [(await evening.joins())["id"] for _ in range(5)]
    for _ in range(3):
        await evening.falls_free()
    await desk.match(evening.queue)
    assert [await desk.status(one) for one in waiting] == ["notified"] * 3 + ["waiting"] * 2
    offers = [await desk.live(one) for one in waiting[:3]]
    assert len({offer.table_ids for offer in offers}) == 3
    assert await held(desk) == sorted(str(offer.hold_id) for offer in offers)


async def test_many_matches_at_once_offer_a_place_once_and_in_turn(desk: Desk, bistro: Bistro) -> None:
    evening = await Bistro.of(bistro.staff, tables=2)
    waiting = [(await evening.joins())["id"] for _ in range(4)]
    await evening.falls_free()
    await evening.falls_free()
    await asyncio.gather(*(desk.match(evening.queue) for _ in range(4)))
    assert [await desk.status(one) for one in waiting] == ["notified"] * 2 + ["waiting"] * 2
    assert len(await held(desk)) == 2


async def test_a_claimant_who_cancels_frees_the_place_for_the_next(desk: Desk, bistro: Bistro) -> None:
    first, second = await bistro.joins(), await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    booking_id = await desk.convert(first["id"])
    await desk.match(bistro.queue)
    assert await desk.status(second["id"]) == "waiting"
    await bistro.staff.booking.delete(f"/api/v1/bookings/{booking_id}")
    await desk.match(bistro.queue)
    assert await desk.status(second["id"]) == "notified"


async def test_who_let_a_table_go_by_is_not_offered_it_a_quarter_later(desk: Desk, bistro: Bistro) -> None:
    window = {"preferredStartTime": text(SOON), "preferredEndTime": text(SOON + timedelta(minutes=120))}
    first, second = await bistro.joins(**window), await bistro.joins(**window)
    await bistro.falls_free()
    await desk.match(bistro.queue)
    assert (await desk.live(first["id"])).start_time == SOON
    await desk.decline(first["id"])
    await desk.match(bistro.queue)
    assert await desk.status(first["id"]) == "waiting"
    assert (await desk.live(second["id"])).start_time == SOON


async def declines_all(desk: Desk, bistro: Bistro, entry_id: str) -> int:
    """Match again and again, and decline whatever is offered; answers how often that was."""
    declined = 0
    for _ in range(8):
        await desk.match(bistro.queue)
        if await desk.status(entry_id) == "notified":
            await desk.decline(entry_id)
            declined += 1
    return declined


async def test_who_declined_is_offered_it_again_when_something_falls_free_there(
    service: WaitlistService, desk: Desk, bistro: Bistro
) -> None:
    entry = (await bistro.joins())["id"]
    await bistro.falls_free()
    await service.heard_all()
    assert await declines_all(desk, bistro, entry) == 1
    taken = await bistro.staff.booking.book(at=SOON, minutes=90, location_id=bistro.location_id, party_size=2)
    bistro.bookings.append(taken.data["id"])
    await bistro.falls_free()

    async def is_offered() -> bool:
        await desk.match(bistro.queue)
        return await desk.status(entry) == "notified"

    await eventually(is_offered)


@pytest.mark.parametrize(
    "changed",
    [
        {"party_size": 1},
        {"preferred_start": SOON - timedelta(minutes=30)},
        {"preferred_end": SOON + timedelta(minutes=100)},
    ],
)
async def test_who_declined_is_offered_it_again_when_it_asks_for_something_else(
    service: WaitlistService, desk: Desk, bistro: Bistro, changed: dict[str, Any]
) -> None:
    entry = (await bistro.joins())["id"]
    await bistro.falls_free()
    await service.heard_all()
    assert await declines_all(desk, bistro, entry) == 1
    await desk.change(entry, notes="By the window")
    await desk.match(bistro.queue)
    assert await desk.status(entry) == "waiting"
    await desk.change(entry, **changed)
    await desk.match(bistro.queue)
    assert await desk.status(entry) == "notified"


async def test_whose_time_runs_out_is_asked_a_few_times_in_a_row(
    service: WaitlistService, desk: Desk, bistro: Bistro
) -> None:
    entry = (await bistro.joins())["id"]
    await bistro.falls_free()
    await service.heard_all()
    asked = 0
    for _ in range(12):
        await desk.match(bistro.queue)
        asked += await desk.status(entry) == "notified"
        desk.watch.turn(minutes=16)
    assert asked == EXPIRIES_IN_A_ROW
    assert await desk.status(entry) == "waiting"


async def test_what_others_hold_is_not_what_was_let_go_by(desk: Desk, bistro: Bistro) -> None:
    evening = await Bistro.of(bistro.staff, tables=2)
    first, second, third = [(await evening.joins())["id"] for _ in range(3)]
    await evening.falls_free()
    await desk.match(evening.queue)
    tables = (await desk.live(first)).table_ids
    await desk.decline(first)
    await desk.match(evening.queue)
    assert (await desk.live(second)).table_ids == tables
    await evening.falls_free()
    await desk.match(evening.queue)
    assert (await desk.live(first)).table_ids != tables  # this one it has not been asked for
    await desk.decline(second)
    await desk.match(evening.queue)
    assert (await desk.live(third)).table_ids == tables


async def test_what_others_booked_and_gave_up_is_offered_in_turn_again(desk: Desk, bistro: Bistro) -> None:
    first, second, third = [(await bistro.joins())["id"] for _ in range(3)]
    await bistro.falls_free()
    await desk.match(bistro.queue)
    await desk.decline(first)
    await desk.match(bistro.queue)
    booking_id = await desk.convert(second)
    await bistro.staff.booking.delete(f"/api/v1/bookings/{booking_id}")
    await desk.match(bistro.queue)
    assert [await desk.status(one) for one in (first, third)] == ["notified", "waiting"]


async def test_of_several_spots_who_let_one_go_by_is_asked_for_another(desk: Desk) -> None:
    instance = await desk.staff.full_instance(2)
    queue = instance["uid"]
    waiting = [(await desk.staff.joined(eventInstanceId=queue, requestedDate=None))["id"] for _ in range(3)]
    first, second = waiting[:2]
    for spots, declined in ((3, first), (4, None)):
        raised = await desk.staff.booking.patch(f"/v2/event_instances/{queue}", {"max_attendance": spots})
        assert raised.status == 200
        await desk.match(queue)
        if declined is not None:
            await desk.decline(declined)
            await desk.match(queue)
            assert [await desk.status(one) for one in waiting] == ["waiting", "notified", "waiting"]
    assert [await desk.status(one) for one in waiting] == ["notified", "notified", "waiting"]
    await desk.decline(second)
    await desk.match(queue)
    assert [await desk.status(one) for one in waiting] == ["notified", "waiting", "notified"]


async def test_an_entry_whose_time_has_passed_is_taken_off(
    desk: Desk, bistro: Bistro, service: WaitlistService
) -> None:
    entry = await bistro.joins()
    desk.watch.ahead = SOON - desk.watch() + timedelta(minutes=1)
    await desk.match(bistro.queue)
    assert await desk.status(entry["id"]) == "expired"
    assert change_of(await service.told(entry["id"]))["reason"] == "expired"


async def test_an_offer_never_stands_past_the_cut_off(desk: Desk, bistro: Bistro) -> None:
    await bistro.policy(cutoffMinutes=60)
    entry = await bistro.joins()
    await bistro.falls_free()
    desk.watch.ahead = SOON - desk.watch() - timedelta(minutes=65)
    await desk.match(bistro.queue)
    assert (await desk.live(entry["id"])).expires_at == SOON - timedelta(minutes=60)


def at_night(desk: Desk, zone: str) -> datetime:
    """Turn the clock to five minutes before ten at night in a zone; answers ten past four of the night that follows."""
    there = SOON.astimezone(ZoneInfo(zone))
    evening = (there - timedelta(days=1)).replace(hour=21, minute=55)
    desk.watch.ahead = evening - datetime.now(UTC)
    return there.replace(hour=4, minute=10)


async def test_an_offer_stands_still_in_the_quiet_hours_of_the_location(desk: Desk, bistro: Bistro) -> None:
    """Five of its fifteen minutes are before them, and ten come after them, by the clocks of New York."""
    await bistro.policy(quietHours={"from": "22:00", "to": "04:00"})
    entry = await bistro.joins()
    await bistro.falls_free()
    until = at_night(desk, "America/New_York")
    await desk.match(bistro.queue)
    assert timedelta() <= (await desk.live(entry["id"])).expires_at - until < timedelta(minutes=2)


async def test_an_offer_stands_still_in_the_quiet_hours_of_the_event(desk: Desk) -> None:
    """By the clocks of Berlin, where it takes place."""
    instance = await desk.staff.full_instance()
    path = f"{PATH}/policies/{instance['service_id']}"
    policy = {"quietHours": {"from": "22:00", "to": "04:00"}, "offerMinutes": 15}
    assert (await desk.staff.waitlist.send("PUT", path, policy)).status == 200
    entry = await desk.staff.joined(eventInstanceId=instance["uid"], requestedDate=None)
    raised = await desk.staff.booking.patch(f"/v2/event_instances/{instance['uid']}", {"max_attendance": 2})
    assert raised.status == 200
    until = at_night(desk, "Europe/Berlin")
    await desk.match(instance["uid"])
    assert timedelta() <= (await desk.live(entry["id"])).expires_at - until < timedelta(minutes=2)


@pytest.mark.parametrize("start", [0, 15, 30])
async def test_the_earliest_free_start_inside_the_window_is_offered(desk: Desk, bistro: Bistro, start: int) -> None:
    begin = SOON + timedelta(minutes=start)
    window = {"preferredStartTime": text(begin), "preferredEndTime": text(begin + timedelta(hours=6))}
    entry = await bistro.joins(**window)
    await desk.match(bistro.queue)
    offer = await desk.live(entry["id"])
    assert (offer.start_time, offer.end_time) == (SOON + timedelta(minutes=90), SOON + timedelta(minutes=180))


async def test_of_an_event_instance_spots_are_offered_and_a_cancelled_one_lets_all_go(
    desk: Desk, service: WaitlistService
) -> None:
    staff = desk.staff
    instance = await staff.full_instance(2)
    queue = instance["uid"]
    pair = await staff.joined(eventInstanceId=queue, requestedDate=None, partySize=2)
    single = await staff.joined(eventInstanceId=queue, requestedDate=None)
    changed = await staff.booking.patch(f"/v2/event_instances/{queue}", {"max_attendance": 3})
    assert changed.status == 200
    await desk.match(queue)
    assert [await desk.status(one["id"]) for one in (pair, single)] == ["waiting", "notified"]
    told = change_of(await service.told(single["id"]))
    assert (told["instance"]["id"], told["instance"]["spots"], "slot" in told) == (queue, 1, False)
    offer = await desk.live(single["id"])
    assert timedelta(minutes=239) < offer.expires_at - desk.watch() <= timedelta(minutes=240)

    assert (await staff.booking.post(f"/v2/event_instances/{queue}/cancel", {})).status == 200
    await desk.match(queue)
    assert [await desk.status(one["id"]) for one in (pair, single)] == ["removed", "removed"]
    assert change_of(await service.told(pair["id"]))["reason"] == "event_cancelled"
