"""Bookings of tables: the smallest that fits, the ones that staff choose, and what moves do to them."""

from datetime import timedelta
from typing import Any

from support.booking_service import SOON, Answer, Caller, text

HOUR = timedelta(hours=1)


async def change(staff: Caller, made: Answer, **fields: Any) -> Answer:
    return await staff.patch(f"/api/v1/bookings/{made.data['id']}", fields)


async def test_the_smallest_free_table_that_fits_is_taken(staff: Caller) -> None:
    location_id = await staff.location()
    six, two, four = [await staff.table(location_id, seats) for seats in (6, 2, 4)]
    taken = [(await staff.book(location_id=location_id, party_size=2)).data["table_ids"] for _ in range(3)]
    assert taken == [[two], [four], [six]]
    assert (await staff.book(location_id=location_id, party_size=2)).code == "slot_unavailable"


async def test_a_party_larger_than_any_table_finds_none(staff: Caller) -> None:
    location_id = await staff.location()
    await staff.table(location_id, 4)
    refused = await staff.book(location_id=location_id, party_size=5)
    assert (refused.status, refused.code, refused.body["error"]["param"]) == (409, "slot_unavailable", "party_size")
    assert refused.body["error"]["message"] == "no table of the location takes a party of 5"


async def test_a_location_without_tables_is_never_full(staff: Caller) -> None:
    location_id = await staff.location()
    for _ in range(3):
        made = await staff.book(location_id=location_id, party_size=40)
        assert (made.status, made.data["table_ids"], made.data["schedule_id"]) == (201, [], None)
        assert made.data["timezone"] == "America/New_York"


async def test_staff_put_tables_together_and_get_all_or_none(staff: Caller) -> None:
    location_id = await staff.location()
    tables = [await staff.table(location_id, 4) for _ in range(3)]
    made = await staff.book(location_id=location_id, party_size=7, table_ids=[tables[1], tables[0]])
    assert made.data["table_ids"] == [tables[1], tables[0]]
    assert (await staff.book(location_id=location_id, table_ids=[tables[2], tables[0]])).code == "slot_unavailable"
    assert (await staff.book(location_id=location_id, table_ids=[tables[2]])).status == 201


async def test_staff_may_seat_nobody_anywhere(staff: Caller) -> None:
    location_id = await staff.location()
    table_id = await staff.table(location_id, 4)
    assert (await staff.book(location_id=location_id, table_ids=[])).data["table_ids"] == []
    assert (await staff.book(location_id=location_id)).data["table_ids"] == [table_id]


async def test_a_schedule_at_a_location_takes_a_lane_and_a_table(staff: Caller) -> None:
    location_id, schedule_id = await staff.location(), await staff.schedule(capacity=2)
    table_id = await staff.table(location_id, 4)
    made = await staff.book(location_id=location_id, schedule_id=schedule_id)
    assert made.data["table_ids"] == [table_id]
    full = await staff.book(location_id=location_id, schedule_id=schedule_id)
    assert full.code == "slot_unavailable"
    lanes = [await staff.book(schedule_id=schedule_id) for _ in range(2)]
    assert [answer.status for answer in lanes] == [201, 409]  # the refused one left its lane free


async def test_a_move_keeps_its_table_or_takes_another(staff: Caller) -> None:
    location_id = await staff.location()
    two, four = await staff.table(location_id, 2), await staff.table(location_id, 4)
    made = await staff.book(location_id=location_id, table_ids=[four])
    later = {"start_time": text(SOON + HOUR), "end_time": text(SOON + 2 * HOUR)}
    assert (await change(staff, made, **later)).data["table_ids"] == [four]
    await staff.book(location_id=location_id, table_ids=[four])
    back = {"start_time": text(SOON), "end_time": text(SOON + HOUR)}
    assert (await change(staff, made, **back)).data["table_ids"] == [two]


async def test_tables_put_together_are_not_exchanged_by_a_move(staff: Caller) -> None:
    location_id = await staff.location()
    tables = [await staff.table(location_id, 4) for _ in range(3)]
    made = await staff.book(location_id=location_id, table_ids=tables[:2])
    await staff.book(location_id=location_id, table_ids=tables[1:2], at=SOON + HOUR)
    refused = await change(staff, made, start_time=text(SOON + HOUR), end_time=text(SOON + 2 * HOUR))
    assert (refused.code, refused.body["error"]["param"]) == ("slot_unavailable", "start_time")


async def test_a_party_that_outgrows_its_table_gets_another(staff: Caller) -> None:
    location_id = await staff.location()
    two, four = await staff.table(location_id, 2), await staff.table(location_id, 4)
    made = await staff.book(location_id=location_id, party_size=2)
    assert made.data["table_ids"] == [two]
    grown = await change(staff, made, party_size=3)
    assert (grown.data["party_size"], grown.data["table_ids"]) == (3, [four])
    assert (await change(staff, made, party_size=5)).code == "slot_unavailable"
    shrunk = await change(staff, made, party_size=1)
    assert shrunk.data["table_ids"] == [four]


async def test_staff_reassign_tables_and_take_them_away(staff: Caller) -> None:
    location_id = await staff.location()
    first, second = await staff.table(location_id, 4), await staff.table(location_id, 4)
    made = await staff.book(location_id=location_id, table_ids=[first])
    await staff.book(location_id=location_id, table_ids=[second])
    refused = await change(staff, made, table_ids=[second])
    assert (refused.status, refused.code, refused.body["error"]["param"]) == (409, "slot_unavailable", "table_ids")
    assert (await change(staff, made, table_ids=[])).data["table_ids"] == []
    assert (await staff.book(location_id=location_id, table_ids=[first])).status == 201


async def test_a_party_that_turns_out_larger_once_it_has_left_keeps_its_table(staff: Caller) -> None:
    location_id = await staff.location(auto_confirm=True)
    two = await staff.table(location_id, 2)
    await staff.table(location_id, 6)
    past = SOON - timedelta(days=3650)
    made = await staff.book(location_id=location_id, party_size=2, at=past)
    assert (await change(staff, made, status="COMPLETED")).status == 200
    for party_size in (3, 9):
        noted = await change(staff, made, party_size=party_size)
        assert (noted.data["party_size"], noted.data["table_ids"]) == (party_size, [two])


async def test_a_booking_without_a_location_has_no_tables(staff: Caller) -> None:
    made = await staff.book(schedule_id=await staff.schedule())
    refused = await change(staff, made, table_ids=["tbl_none"])
    (flaw,) = refused.body["error"]["details"]["errors"]
    assert flaw == {
        "param": "table_ids",
        "message": "must be empty for a booking without a location",
        "rule": "location_id",
    }
