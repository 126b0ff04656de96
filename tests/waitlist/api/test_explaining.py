"""Why an entry has not been offered anything, over HTTP: what is told is what a match does, and nothing changes."""

from typing import Any

from support.booking_service import SOON, text
from support.waitlist_desk import Bistro, Desk, held
from support.waitlist_service import PATH, Guest, WaitlistService


async def why(guest: Guest, entry: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Ask why an entry is offered nothing: the reasons, by code."""
    answer = await guest.waitlist.get(f"{PATH}/{entry['id']}/explain")
    assert answer.status == 200, answer.body
    assert answer.data["entryId"] == entry["id"]
    return {reason["code"]: reason for reason in answer.data["reasons"]}


async def test_an_evening_is_explained_step_by_step(service: WaitlistService, desk: Desk, bistro: Bistro) -> None:
    first, second = await bistro.joins(), await bistro.joins()
    told = await why(desk.staff, first)
    assert list(told) == ["nothing_free"]
    assert told["nothing_free"]["details"]["from"] == text(SOON)

    await bistro.falls_free()
    await service.heard_all()
    assert list(await why(desk.staff, first)) == ["its_turn"]
    behind = (await why(desk.staff, second))["behind"]
    assert (behind["rule"], behind["details"]) == ("turn", {"ahead": 1, "aheadWhomItFits": 1})
    assert (await desk.offer(first["id"]), await held(desk)) == (None, [])  # to ask changes nothing

    await desk.match(bistro.queue)
    offer = await desk.live(first["id"])
    assert (await why(desk.staff, first))["asked"]["details"] == {
        "startTime": text(SOON),
        "expiresAt": text(offer.expires_at),
    }
    desk.watch.turn(minutes=16)
    assert list(await why(desk.staff, first)) == ["offer_over"]
    desk.watch.turn(minutes=-16)

    await desk.decline(first["id"])
    ((code, told_of_it),) = (await why(desk.staff, first)).items()
    assert code == "let_go_for_good"
    assert told_of_it["details"] == {"startTimes": [text(SOON)]}
    assert list(await why(desk.staff, second)) == ["its_turn"]
    await desk.match(bistro.queue)
    booking_id = await desk.convert(second["id"])
    assert (await why(desk.staff, second))["converted"]["details"] == {"bookingId": booking_id}
    await desk.remove(first["id"])
    assert list(await why(desk.staff, first)) == ["removed"]


async def test_a_party_for_which_the_free_table_is_too_small_is_told_so(desk: Desk, bistro: Bistro) -> None:
    entry = await bistro.joins(partySize=5)
    assert list(await why(desk.staff, entry)) == ["nothing_free"]
    await bistro.falls_free()
    told = await why(desk.staff, entry)
    assert list(told) == ["nothing_free", "party_too_large"]
    assert told["party_too_large"]["rule"] == "capacity"


async def test_strict_order_is_told_to_who_stands_behind_a_larger_party(desk: Desk, bistro: Bistro) -> None:
    await bistro.policy(strictOrder=True)
    await bistro.joins(partySize=5)
    behind = await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    told = await why(desk.staff, behind)
    assert told["strict_order"]["details"] == {"ahead": 1, "aheadWhomItFits": 0}
    await bistro.policy(strictOrder=False)
    assert list(await why(desk.staff, behind)) == ["its_turn"]


async def test_spots_of_an_event_are_explained(desk: Desk) -> None:
    instance = await desk.staff.full_instance(2)
    entry = await desk.staff.joined(eventInstanceId=instance["uid"], requestedDate=None)
    assert (await why(desk.staff, entry))["too_few_spots"]["details"] == {"partySize": 1, "spotsLeft": 0}


async def test_a_client_is_told_of_its_own_entry_alone(service: WaitlistService, client: Guest, bistro: Bistro) -> None:
    mine = (await client.join(locationId=bistro.location_id, partySize=2)).data
    theirs = await bistro.joins()
    answer = await client.waitlist.get(f"{PATH}/{mine['id']}/explain")
    assert (answer.status, answer.data["position"], answer.data["entryStatus"]) == (200, 1, "waiting")
    for guest, entry in ((client, theirs), (await service.staff(), mine)):
        refused = await guest.waitlist.get(f"{PATH}/{entry['id']}/explain")
        assert (refused.status, refused.code) == (404, "not_found")
