"""Tables put together for a party that none of them seats alone."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest

from booking.domain.place import TablePlace
from booking.domain.seating import seatings
from chassis.postgres import Database
from support.booking_service import SOON, Answer, Caller, text


async def combinable(staff: Caller, location_id: str, *seats: int, section_id: str | None = None) -> list[str]:
    """Make tables that can be put together."""
    return [await staff.table(location_id, each, combinable=True, section_id=section_id) for each in seats]


async def still_free(db: Database, tables: Sequence[str], party_size: int) -> int:
    """Count the parties that what is free of some combinable tables, without a section, would seat."""
    async with db.connection() as conn:
        rows = await conn.fetch(
            "SELECT t.id, r.resource_no, t.min_party, t.max_party, t.section_id, t.combinable"
            " FROM tables t JOIN resources r ON r.owner_id = t.id WHERE t.id = ANY ($1::text[]) AND NOT EXISTS"
            " (SELECT FROM occupancy o WHERE o.resource_no = r.resource_no)",
            tables,
        )
    free = [TablePlace(*row.values()) for row in rows]
    return len(list(seatings(free, party_size)))


def given(answers: Sequence[Answer]) -> list[str]:
    """The tables of those who got some."""
    return [table_id for answer in answers if answer.status == 201 for table_id in answer.data["table_ids"]]


async def test_a_party_gets_one_table_if_one_seats_it_and_else_the_fewest_seats(staff: Caller) -> None:
    location_id = await staff.location()
    two, four, other_four, six = await combinable(staff, location_id, 2, 4, 4, 6)
    taken = [set(given([await staff.book(location_id=location_id, party_size=6)])) for _ in range(2)]
    assert taken == [{six}, {two, four}]
    full = await staff.book(location_id=location_id, party_size=6)
    assert (full.status, full.body["error"]["param"]) == (409, "start_time")
    assert given([await staff.book(location_id=location_id, party_size=4)]) == [other_four]
    never = await staff.book(location_id=location_id, party_size=17)
    assert (never.status, never.body["error"]["param"]) == (409, "party_size")


async def test_tables_of_two_sections_are_not_put_together(staff: Caller) -> None:
    location_id = await staff.location()
    section = await staff.post("/api/v1/sections", {"location_id": location_id, "name": "Terrace"})
    terrace = section.data["id"]
    await combinable(staff, location_id, 4, 4)
    outside = await combinable(staff, location_id, 4, 2, section_id=terrace)
    await staff.table(location_id, 4)
    assert set(given([await staff.book(location_id=location_id, party_size=6)])) == set(outside)
    assert (await staff.book(location_id=location_id, party_size=9)).body["error"]["param"] == "party_size"


async def test_a_move_keeps_tables_together_or_is_refused_and_a_party_that_outgrows_its_table_gets_two(
    staff: Caller,
) -> None:
    location_id = await staff.location()
    tables = await combinable(staff, location_id, 2, 4, 4)
    made = await staff.book(location_id=location_id, party_size=2)
    path = f"/api/v1/bookings/{made.data['id']}"
    grown = (await staff.patch(path, {"party_size": 7})).data["table_ids"]
    assert grown == tables[1:]
    later = {"start_time": SOON.replace(hour=15).isoformat(), "end_time": SOON.replace(hour=16).isoformat()}
    assert (await staff.patch(path, later)).data["table_ids"] == grown
    assert given([await staff.book(location_id=location_id, party_size=4)]) == [tables[1]]
    back = {"start_time": SOON.isoformat(), "end_time": SOON.replace(hour=11).isoformat()}
    refused = await staff.patch(path, back)
    assert (refused.code, refused.body["error"]["param"]) == ("slot_unavailable", "start_time")


@pytest.mark.parametrize(
    ("seats", "party_size", "racers", "most"),
    [((2, 2, 2, 2, 4, 4), 6, 20, 2), ((4,) * 20, 7, 20, 10), ((3, 5) * 5 + (6, 7), 8, 20, 6)],
)
async def test_racing_parties_never_share_a_table_and_none_is_refused_while_tables_for_it_are_free(
    staff: Caller, db: Database, seats: tuple[int, ...], party_size: int, racers: int, most: int
) -> None:
    location_id = await staff.location()
    tables = await combinable(staff, location_id, *seats)
    answers = await asyncio.gather(*(staff.book(location_id=location_id, party_size=party_size) for _ in range(racers)))
    seated = Counter(answer.status for answer in answers)
    assert set(seated) == {201, 409}
    assert 0 < seated[201] <= most
    assert len(given(answers)) == len(set(given(answers))) >= 2 * seated[201]
    assert await still_free(db, tables, party_size) == 0


async def test_a_party_on_tables_that_we_put_together_moves_to_others_where_its_own_are_taken(
    staff: Caller,
) -> None:
    location_id = await staff.location()
    tables = await combinable(staff, location_id, 4, 4, 4, 4)
    moving = await staff.book(location_id=location_id, party_size=8)
    later = SOON + timedelta(hours=3)
    taken = moving.data["table_ids"][0]
    assert (await staff.book(location_id=location_id, table_ids=[taken], party_size=2, at=later)).status == 201
    times = {"start_time": text(later), "end_time": text(later + timedelta(hours=1))}
    moved = await staff.patch(f"/api/v1/bookings/{moving.data['id']}", times)
    assert moved.status == 200
    assert taken not in moved.data["table_ids"]
    assert set(moved.data["table_ids"]) < set(tables)
