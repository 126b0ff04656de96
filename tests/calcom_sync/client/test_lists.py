"""Lists of bookings, page by page: each booking once, and no page asked for in vain, whatever the totals say."""

from datetime import timedelta

import pytest

from calcom_sync.client import Asked, CalcomClient, Position, Sort
from calcom_sync.client.lists import read_page
from calcom_sync.domain.errors import CalcomMalformedError
from calcom_sync.domain.integration import Pagination
from support.calcom import StandIn
from support.calcom.life import BEGINNING
from support.calcom_client import account

CURSORS = {"api_version": "2026-05-01", "pagination": Pagination.CURSOR}


def fill(calcom: StandIn, count: int) -> list[str]:
    """Make so many bookings, an hour apart; answers their uids."""
    return [calcom.life.create(BEGINNING + timedelta(hours=number)) for number in range(count)]


async def test_a_list_of_many_pages_is_read_whole(calcom: StandIn, client: CalcomClient) -> None:
    uids = fill(calcom, 501)
    asked = client.of(account(calcom))
    assert [row.uid async for page in asked.pages(Asked()) for row in page.rows] == uids
    assert (asked.requests, calcom.count) == (3, 3)
    assert calcom.asked[1] == {"sortStart": "asc", "take": "250", "skip": "250"}


@pytest.mark.parametrize("count", [0, 1, 249])
async def test_a_short_page_is_the_last_whatever_the_totals_say(
    calcom: StandIn, client: CalcomClient, count: int
) -> None:
    uids = fill(calcom, count)
    calcom.defects.wrong_totals = True
    calcom.defects.trailing_pages = 3
    asked = client.of(account(calcom))
    assert [row.uid async for page in asked.pages(Asked(after_updated=BEGINNING)) for row in page.rows] == uids
    assert asked.requests == 1


async def test_it_goes_on_where_it_was(calcom: StandIn, client: CalcomClient) -> None:
    uids = fill(calcom, 300)
    asked = client.of(account(calcom))
    first = await asked.page(Asked())
    assert first.following == Position(skip=250)
    assert [row.uid async for page in asked.pages(Asked(), first.following) for row in page.rows] == uids[250:]


async def test_bounds_and_order_are_asked_for(calcom: StandIn, client: CalcomClient) -> None:
    uids = fill(calcom, 5)
    calcom.life.advance(hours=1)
    calcom.life.edit(uids[3], title="Other")
    asked = client.of(account(calcom))
    changed = await asked.page(Asked(after_updated=calcom.life.now, sort=Sort.UPDATED))
    assert [row.uid for row in changed.rows] == [uids[3]]
    calcom.life.create(BEGINNING)
    made = await asked.page(Asked(after_created=calcom.life.now, sort=Sort.CREATED))
    assert [row.created_at for row in made.rows] == [calcom.life.now]
    window = Asked(after_start=BEGINNING + timedelta(hours=1), before_end=BEGINNING + timedelta(hours=3))
    assert [row.uid for row in (await asked.page(window)).rows] == uids[1:3]
    assert calcom.asked[-1]["afterStart"] == "2026-01-05T09:00:00.000Z"


def test_who_cuts_pages_short_is_not_taken_to_be_at_the_end() -> None:
    row = {"status": "accepted", **dict.fromkeys(("start", "end", "createdAt"), "2026-01-05T08:00:00Z")}
    answer = {"data": [{**row, "uid": f"u{number}"} for number in range(10)], "pagination": {"itemsPerPage": 10}}
    assert read_page(answer, Position(skip=5), 250).following == Position(skip=15)
    assert read_page({**answer, "pagination": {"itemsPerPage": 250}}, Position(), 250).following is None
    assert read_page({**answer, "pagination": None}, Position(), 10).following == Position(skip=10)


def test_no_page_is_longer_than_was_asked_for() -> None:
    with pytest.raises(CalcomMalformedError, match="answered 251 bookings where 250 were asked for"):
        read_page({"data": [{}] * 251}, Position(), 250)


async def test_with_cursors_it_follows_them_to_the_end(calcom: StandIn, client: CalcomClient) -> None:
    uids = fill(calcom, 250)
    asked = client.of(account(calcom, **CURSORS))
    assert [row.uid async for page in asked.pages(Asked()) for row in page.rows] == uids
    assert asked.requests == 3
    assert calcom.asked[0] == {"sortStart": "asc", "limit": "100"}
    assert set(calcom.asked[1]) == {"sortStart", "limit", "cursor"}


async def test_offsets_where_cursors_were_asked_for_are_told_by_their_shape(
    calcom: StandIn, client: CalcomClient
) -> None:
    uids = fill(calcom, 99)
    calcom.defects.offset_in_cursor_mode = True
    asked = client.of(account(calcom, **CURSORS))
    assert [row.uid async for page in asked.pages(Asked()) for row in page.rows] == uids
    fill(calcom, 100)
    with pytest.raises(CalcomMalformedError, match="the same page again"):  # it heeds neither
        _ = [page async for page in asked.pages(Asked())]
    assert calcom.asked[-1]["skip"] == "100"
