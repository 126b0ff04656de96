"""Offers and conversions over HTTP: who may do what, what is refused, and that one organization is not another's."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from support.booking_service import SOON, text
from support.waitlist_desk import Bistro, Desk, confirmed, held
from support.waitlist_service import PATH, Guest, WaitlistService, instant

DEEDS = ("convert", "notify", "decline")


async def do(guest: Guest, deed: str, entry: dict[str, Any], body: Any = None, **headers: str) -> Any:
    """Try a deed on an entry."""
    return await guest.waitlist.post(f"{PATH}/{entry['id']}/{deed}", body or {}, **headers)


async def test_staff_offer_by_hand_and_the_guest_declines(desk: Desk, bistro: Bistro) -> None:
    first, second = await bistro.joins(), await bistro.joins()
    await bistro.falls_free()
    offered = await do(desk.staff, "notify", second, Idempotency_Key="k1")
    assert offered.data["status"] == "notified"
    offer = await desk.live(second["id"])
    assert offer.made_by == "staff"
    assert await held(desk) == [offer.hold_id]
    assert (await do(desk.staff, "notify", second, Idempotency_Key="k1")).body == offered.body
    assert (await do(desk.staff, "notify", second)).code == "invalid_status_transition"
    assert (await do(desk.staff, "notify", first)).code == "slot_unavailable"

    declined = await do(desk.staff, "decline", second, Idempotency_Key="k2")
    assert declined.data["status"] == "waiting"
    assert (await do(desk.staff, "decline", second, Idempotency_Key="k2")).body == declined.body
    assert (await do(desk.staff, "decline", second)).code == "offer_gone"
    assert await held(desk) == []


async def test_a_trace_goes_on_with_what_is_told_of_an_offer_and_of_a_booking(
    desk: Desk, bistro: Bistro, service: WaitlistService
) -> None:
    entry = await bistro.joins()
    await bistro.falls_free()
    traces = {"notify": "0af7651916cd43dd8448eb211c80319c", "convert": "4bf92f3577b34da6a3ce929d0e0e4736"}
    for deed, trace in traces.items():
        answer = await do(desk.staff, deed, entry, traceparent=f"00-{trace}-b7ad6b7169203331-01")
        assert answer.status == 200, answer.body
    _, notified, converted = await service.told(entry["id"])
    for event, trace in zip((notified, converted), traces.values(), strict=True):
        assert event.traceparent is not None
        assert trace in event.traceparent


async def test_staff_offer_a_time_of_their_own(desk: Desk, bistro: Bistro) -> None:
    entry = await bistro.joins()
    start = SOON + timedelta(hours=3)
    times = {"startTime": text(start), "endTime": text(start + timedelta(hours=1))}
    assert (await do(desk.staff, "notify", entry, times)).data["status"] == "notified"
    assert (await desk.live(entry["id"])).start_time == start
    booked = (await do(desk.staff, "convert", entry)).data
    found = (await desk.staff.booking.get(f"/api/v1/bookings/{booked['bookingId']}")).data
    assert found["start_time"] == text(start)


async def test_staff_book_without_an_offer_what_is_free(desk: Desk, bistro: Bistro) -> None:
    entry = await bistro.joins()
    tables = (await desk.staff.booking.get(f"/api/v1/tables?location_id={bistro.location_id}")).data
    body = {"startTime": instant(hours=3), "endTime": instant(hours=4), "tableId": tables[0]["id"]}
    converted = await do(desk.staff, "convert", entry, body)
    assert converted.data["status"] == "converted"
    booked = (await desk.staff.booking.get(f"/api/v1/bookings/{converted.data['bookingId']}")).data
    assert (booked["table_ids"], booked["start_time"]) == ([tables[0]["id"]], instant(hours=3))


async def test_the_bookings_own_history_names_the_entry(desk: Desk, bistro: Bistro) -> None:
    entry = await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    booking_id = (await do(desk.staff, "convert", entry)).data["bookingId"]
    history = (await desk.staff.booking.get(f"/v1/reservations/{booking_id}/events")).data
    assert [(event["type"], event["data"]) for event in history] == [
        ("reservation.created", {"source": "waitlist", "party_size": 2, "waitlist_entry_id": entry["id"]})
    ]


async def test_local_times_are_those_of_the_requested_date(desk: Desk, bistro: Bistro) -> None:
    entry = await bistro.joins()
    converted = await do(desk.staff, "convert", entry, {"startTime": "22:30", "endTime": "00:30"})
    booked = (await desk.staff.booking.get(f"/api/v1/bookings/{converted.data['bookingId']}")).data
    begins = SOON.replace(hour=3, minute=30) + timedelta(days=1)  # half past ten in New York in winter
    assert (booked["start_time"], booked["end_time"]) == (text(begins), text(begins + timedelta(hours=2)))


async def test_what_is_taken_is_a_conflict_and_the_entry_stays(desk: Desk, bistro: Bistro) -> None:
    entry = await bistro.joins()
    refused = await do(desk.staff, "convert", entry, {"startTime": instant(), "endTime": instant(minutes=90)})
    assert (refused.status, refused.code) == (409, "slot_unavailable")
    assert (await do(desk.staff, "convert", entry)).code == "offer_gone"
    assert await desk.status(entry["id"]) == "waiting"
    assert await confirmed(desk) == []


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"startTime": "19:00"}, "endTime"),
        ({"endTime": "19:00"}, "startTime"),
        ({"startTime": "25:00", "endTime": "26:00"}, "startTime"),
        ({"startTime": instant(hours=2), "endTime": instant(hours=1)}, "endTime"),
        ({"startTime": instant(hours=2), "endTime": instant(hours=2)}, "endTime"),
        ({"startTime": instant(hours=2), "endTime": instant(days=40)}, "endTime"),
        ({"startTime": 5, "endTime": True}, "startTime"),
        ({"startTime": instant(hours=2), "endTime": instant(hours=3), "tableId": "tbl_none"}, "tableId"),
        ({"tableId": ""}, "tableId"),
        ({"table_id": "x"}, "table_id"),
    ],
)
async def test_bad_terms_are_refused_by_field_and_change_nothing(
    desk: Desk, bistro: Bistro, body: dict[str, Any], param: str
) -> None:
    entry = await bistro.joins()
    refused = await do(desk.staff, "convert", entry, body)
    assert (refused.status, refused.body["error"]["param"]) == (422, param), refused.body
    assert await desk.status(entry["id"]) == "waiting"
    assert await confirmed(desk) == []


async def test_a_table_that_is_elsewhere_or_too_small_is_refused(desk: Desk, bistro: Bistro) -> None:
    entry = await bistro.joins()
    elsewhere = await desk.staff.booking.table(await desk.staff.location(), 4)
    small = await desk.staff.booking.table(bistro.location_id, 1)
    for table_id in (elsewhere, small):
        body = {"startTime": instant(hours=3), "endTime": instant(hours=4), "tableId": table_id}
        refused = await do(desk.staff, "convert", entry, body)
        assert (refused.status, refused.body["error"]["param"]) == (422, "tableId"), refused.body


async def test_spots_of_an_event_take_neither_times_nor_tables(desk: Desk) -> None:
    instance = await desk.staff.full_instance(1)
    entry = await desk.staff.joined(eventInstanceId=instance["uid"], requestedDate=None)
    body = {"startTime": instant(), "endTime": instant(hours=1), "tableId": "t"}
    refused = await do(desk.staff, "convert", entry, body)
    assert [flaw["param"] for flaw in refused.body["error"]["details"]["errors"]] == ["startTime", "endTime", "tableId"]
    assert (await do(desk.staff, "convert", entry)).code == "slot_unavailable"


async def test_who_cannot_be_reached_by_email_cannot_be_booked(desk: Desk, bistro: Bistro) -> None:
    entry = await bistro.joins(contact={"phone": "+1 555 0101"})
    refused = await do(desk.staff, "convert", entry, {"startTime": instant(hours=3), "endTime": instant(hours=4)})
    assert (refused.status, refused.body["error"]["param"]) == (422, "contact")


async def test_a_client_takes_what_is_offered_and_nothing_else(desk: Desk, bistro: Bistro, client: Guest) -> None:
    entry = await bistro.joins(userId=client.client_id, contact=None)
    assert (await do(client, "convert", entry)).code == "offer_gone"
    assert (await do(client, "notify", entry)).code == "forbidden"
    await bistro.falls_free()
    await desk.match(bistro.queue)
    other = {"startTime": instant(hours=3), "endTime": instant(hours=4)}
    assert (await do(client, "convert", entry, other)).code == "forbidden"
    assert (await do(client, "convert", entry, {"tableId": "tbl_other"})).code == "forbidden"
    offer = await desk.live(entry["id"])
    own = {"startTime": text(offer.start_time), "endTime": text(offer.end_time), "tableId": offer.table_ids[0]}
    assert (await do(client, "convert", entry, own)).data["status"] == "converted"


async def test_a_client_reaches_only_its_own(
    desk: Desk, bistro: Bistro, client: Guest, service: WaitlistService
) -> None:
    entry = await bistro.joins()
    for deed in ("convert", "decline"):
        assert (await do(client, deed, entry)).status == 404
    stranger = await service.staff()
    for deed in DEEDS:
        assert (await do(stranger, deed, entry)).status == 404
    assert await desk.status(entry["id"]) == "waiting"


async def test_another_organization_neither_answers_nor_ends_an_offer(
    desk: Desk, bistro: Bistro, service: WaitlistService
) -> None:
    entry = await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    stranger = await service.staff()
    for deed in DEEDS:
        assert (await do(stranger, deed, entry)).code == "not_found"
    await desk.use.matching.match(stranger.org_id, bistro.queue)
    assert await held(desk) == [(await desk.live(entry["id"])).hold_id]


async def test_an_offer_past_its_deadline_is_dead_though_nobody_has_looked(desk: Desk, bistro: Bistro) -> None:
    entry = await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    desk.watch.turn(minutes=15, seconds=1)
    assert (await do(desk.staff, "convert", entry)).code == "offer_gone"
    assert (await do(desk.staff, "decline", entry)).code == "offer_gone"


async def test_twenty_conversions_of_one_entry_make_one_booking(desk: Desk, bistro: Bistro) -> None:
    entry = await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    answers = await asyncio.gather(*(do(desk.staff, "convert", entry) for _ in range(20)))
    assert {answer.status for answer in answers} <= {200, 409}
    assert len(await confirmed(desk)) == 1
    assert (await do(desk.staff, "convert", entry)).data["status"] == "converted"


async def test_twenty_guests_race_for_one_place_that_all_were_told_of(desk: Desk, bistro: Bistro) -> None:
    await bistro.policy(policy="notify_all")
    waiting = [await bistro.joins() for _ in range(20)]
    await bistro.falls_free()
    await desk.match(bistro.queue)
    answers = await asyncio.gather(*(do(desk.staff, "convert", entry) for entry in waiting))
    assert sorted(answer.status for answer in answers) == [200] + [409] * 19
    refused = [answer for answer in answers if answer.status == 409]
    assert {answer.code for answer in refused} <= {"slot_unavailable", "offer_gone"}
    assert all("keeps its place in the queue" in answer.body["error"]["message"] for answer in refused)
    assert len(await confirmed(desk)) == 1
    await desk.match(bistro.queue)
    lost = [entry["id"] for entry, answer in zip(waiting, answers, strict=True) if answer.status == 409]
    listed = (await desk.staff.waitlist.get(f"{PATH}?locationId={bistro.location_id}&status=waiting")).data
    assert [(entry["id"], entry["position"]) for entry in listed] == list(zip(lost, range(1, 20), strict=True))


async def test_taking_an_entry_off_gives_its_hold_back(desk: Desk, bistro: Bistro) -> None:
    entry = await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    assert (await desk.staff.waitlist.delete(f"{PATH}/{entry['id']}")).data["status"] == "removed"
    assert await held(desk) == []
    assert (await do(desk.staff, "convert", entry)).code == "invalid_status_transition"


async def test_staff_book_another_time_than_the_one_that_is_held(desk: Desk, bistro: Bistro) -> None:
    entry, next_one = await bistro.joins(), await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    offer = await desk.live(entry["id"])
    later = {"startTime": instant(minutes=30), "endTime": instant(minutes=120), "tableId": offer.table_ids[0]}
    booked = (await do(desk.staff, "convert", entry, later)).data  # its own hold is not in the way
    found = (await desk.staff.booking.get(f"/api/v1/bookings/{booked['bookingId']}")).data
    assert (found["start_time"], found["table_ids"]) == (instant(minutes=30), list(offer.table_ids))
    assert await held(desk) == []
    await desk.match(bistro.queue)
    assert await desk.status(next_one["id"]) == "waiting"


async def test_a_time_when_the_location_is_closed_is_refused_as_such(desk: Desk) -> None:
    hours = {"monday": [{"start": "12:00", "end": "14:00"}]}
    location_id = await desk.staff.location(weekly_hours=hours)
    await desk.staff.booking.table(location_id, 2)
    entry = await desk.staff.joined(locationId=location_id, partySize=2)
    body = {"startTime": "03:00", "endTime": "04:00"}
    for deed in ("convert", "notify"):
        refused = await do(desk.staff, deed, entry, body)
        assert (refused.status, refused.code) == (422, "outside_availability"), refused.body
    assert await desk.status(entry["id"]) == "waiting"


async def test_what_cannot_be_offered_by_hand_says_why(desk: Desk, bistro: Bistro) -> None:
    entry = await bistro.joins()
    refused = await do(desk.staff, "notify", entry)
    assert (refused.code, refused.body["error"]["details"]) == ("slot_unavailable", {"reason": "nothing_free"})
    past = {"startTime": instant(days=-60), "endTime": instant(days=-60, hours=1)}
    refused = await do(desk.staff, "notify", entry, past)
    assert (refused.status, refused.body["error"]["param"]) == (422, "startTime")
