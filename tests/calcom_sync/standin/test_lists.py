"""The lists of the stand-in: filters, order, pages, and what may be wrong with them."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from support.calcom import Attendee, Kind, StandIn
from support.calcom.asker import Asker
from support.calcom.life import BEGINNING

DAY = timedelta(days=1)


def uids(answer: tuple[int, Any]) -> list[str]:
    """The uids of a list that was answered."""
    status, told = answer
    assert status == 200, told
    return [booking["uid"] for booking in told["data"]]


def at(days: float) -> datetime:
    """An instant so many days from the beginning."""
    return BEGINNING + days * DAY


async def test_a_status_is_about_time_as_well(calcom: StandIn, ask: Asker) -> None:
    life = calcom.life
    past, pending, coming = life.create(at(-2)), life.create(at(1), status="pending"), life.create(at(2))
    (recurring,) = life.create_series([at(3)])
    cancelled, rejected = life.create(at(4)), life.create(at(5), status="pending")
    life.cancel(cancelled)
    life.reject(rejected)
    assert uids(await ask()) == [past, pending, coming, recurring, cancelled, rejected]
    assert uids(await ask(status="past")) == [past]
    assert uids(await ask(status="upcoming")) == [pending, coming, recurring]
    assert uids(await ask(status="recurring")) == [recurring]
    assert uids(await ask(status="cancelled")) == [cancelled, rejected]
    assert uids(await ask(status="unconfirmed,past")) == [past, pending]


async def test_bounds_are_inclusive_and_those_of_updates_pass_over_null(calcom: StandIn, ask: Asker) -> None:
    life = calcom.life
    first, second = life.create(at(1)), life.create(at(2))
    half_past = (at(2) + timedelta(minutes=30)).isoformat()
    assert uids(await ask(afterStart=at(2).isoformat())) == [second]
    assert uids(await ask(beforeEnd=half_past, afterStart=at(1).replace(tzinfo=None).isoformat())) == [first, second]
    assert uids(await ask(beforeEnd=at(2).isoformat())) == [first]
    life.advance(hours=1)
    life.cancel(first)
    assert uids(await ask(afterUpdatedAt=life.now.isoformat())) == [first]
    assert uids(await ask(afterCreatedAt=life.now.isoformat())) == []
    calcom.defects.nulls = True
    null = next(uid for uid in [life.create(at(3 + n)) for n in range(7)] if (life.last_row(uid).id % 7) == 0)
    assert null not in uids(await ask(afterUpdatedAt=life.now.isoformat()))
    assert null in uids(await ask())


async def test_who_and_what(calcom: StandIn, ask: Asker) -> None:
    life = calcom.life
    ada = life.create(at(1))
    ben = life.create(at(2), Attendee("Ben", "ben@guest.example", stored_email="ben+1@guest.example"), kind=Kind(id=51))
    assert uids(await ask(eventTypeId=51)) == [ben]
    assert uids(await ask(eventTypeIds="50,51")) == [ada, ben]
    assert uids(await ask(attendeeEmail="ben+1@guest.example")) == [ben]
    assert uids(await ask(attendeeEmail="ben@guest.example")) == []
    assert uids(await ask(bookingUid=ada)) == [ada]
    assert uids(await ask(sortUpdatedAt="desc", sortStart="desc")) == [ben, ada]


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"take": 251}, "take must not be greater than 250"),
        ({"take": "many"}, "take must be a number"),
        ({"skip": -1}, "skip must not be less than 0"),
        ({"status": "accepted"}, "status must be one of"),
        ({"sortStart": "up"}, "sortStart must be one of"),
        ({"afterStart": "soon"}, "afterStart must be a valid ISO 8601"),
    ],
)
async def test_what_cannot_be_asked_is_told(ask: Asker, query: dict[str, Any], error: str) -> None:
    status, told = await ask(**query)
    assert (status, told["error"]["code"]) == (400, "BadRequestException")
    assert told["error"]["details"]["errors"][0].startswith(error)


async def test_pages_hold_each_row_once(calcom: StandIn, ask: Asker) -> None:
    made = [calcom.life.create(at(n)) for n in range(7)]
    found: list[str] = []
    for page in range(1, 4):
        _, told = await ask(take=3, skip=(page - 1) * 3)
        assert told["pagination"] == {
            "totalItems": 7,
            "remainingItems": max(0, 7 - page * 3),
            "returnedItems": 3 if page < 3 else 1,
            "itemsPerPage": 3,
            "currentPage": page,
            "totalPages": 3,
            "hasNextPage": page < 3,
            "hasPreviousPage": page > 1,
        }
        found += [booking["uid"] for booking in told["data"]]
    assert found == made
    _, told = await ask(attendeeEmail="nobody@guest.example")
    assert told["pagination"]["currentPage"] == 0


async def test_totals_may_leave_out_the_filters_by_update(calcom: StandIn, ask: Asker) -> None:
    for n in range(5):
        calcom.life.create(at(n))
    calcom.life.advance(hours=1)
    late = calcom.life.create(at(9))
    query = {"afterUpdatedAt": calcom.life.now.isoformat(), "take": 2}
    _, told = await ask(**query)
    assert (told["pagination"]["totalItems"], told["pagination"]["hasNextPage"]) == (1, False)
    calcom.defects.wrong_totals = True
    _, told = await ask(**query)
    assert [booking["uid"] for booking in told["data"]] == [late]
    assert (told["pagination"]["totalItems"], told["pagination"]["hasNextPage"]) == (6, True)
    _, told = await ask(**query, skip=2)
    assert (told["data"], told["pagination"]["hasNextPage"]) == ([], True)


async def test_empty_pages_may_trail(calcom: StandIn, ask: Asker) -> None:
    calcom.life.create(at(1))
    calcom.defects.trailing_pages = 2
    assert [(await ask(take=1, skip=n))[1]["pagination"]["hasNextPage"] for n in range(3)] == [True, True, False]


async def test_equal_rows_may_come_in_any_order(calcom: StandIn, ask: Asker) -> None:
    made = [calcom.life.create(at(1)) for _ in range(6)]
    assert uids(await ask()) == uids(await ask()) == made
    calcom.defects.no_tie_breaker = True
    orders = {tuple(uids(await ask())) for _ in range(8)}
    assert len(orders) > 1
    assert {frozenset(order) for order in orders} == {frozenset(made)}


async def test_cursors_page_by_themselves(calcom: StandIn, ask: Asker) -> None:
    made = [calcom.life.create(at(n % 3)) for n in range(5)]
    expected = sorted(made, key=lambda uid: (calcom.life.last_row(uid).start, calcom.life.last_row(uid).id))
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        _, told = await ask(version="2026-05-01", limit=2, **cursor)
        found += [booking["uid"] for booking in told["data"]]
        if not told["pagination"]["hasMore"]:
            break
        cursor = {"cursor": told["pagination"]["nextCursor"]}
    assert (found, told["pagination"]["nextCursor"]) == (expected, None)
    status, told = await ask(version="2026-05-01", status="past,upcoming")
    assert (status, told["error"]["details"]) == (400, {"errors": ["status must be one value"]})
    assert (await ask(version="2026-05-01", limit=101))[0] == 400
    calcom.defects.offset_in_cursor_mode = True
    assert "totalItems" in (await ask(version="2026-05-01"))[1]["pagination"]


async def test_a_replica_may_lag(calcom: StandIn, ask: Asker) -> None:
    life = calcom.life
    old = life.create(at(1))
    life.advance(minutes=10)
    new = life.create(at(2))
    life.cancel(old)
    calcom.defects.list_lag = timedelta(minutes=5)
    (booking,) = (await ask())[1]["data"]
    assert (booking["uid"], booking["status"]) == (old, "accepted")
    assert (await ask(f"/v2/bookings/{new}"))[0] == 200
    calcom.defects.read_lag = timedelta(minutes=5)
    assert (await ask(f"/v2/bookings/{new}"))[0] == 404
    life.advance(minutes=5)
    assert uids(await ask()) == [old, new]
