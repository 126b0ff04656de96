"""Time on resources is claimed, given up from an instant on, and released."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from booking.domain.occupancy import Claim
from booking.domain.times import Span
from booking.store import occupancy
from chassis.postgres import Connection
from support.booking_values import END, START

FIRST, SECOND, THIRD = range(410_000_001, 410_000_004)
CLAIM = f"WITH claimed AS ({occupancy.insertion(2, booking_id='$1')}) {occupancy.check('claimed', 2)}"
VISIT = Span(START, END)


async def claim(conn: Connection, booking_id: str, wanted: Claim | None) -> None:
    await conn.execute(CLAIM, booking_id, *occupancy.columns(wanted))


async def held(conn: Connection, booking_id: str) -> dict[int, Span]:
    """What a booking has, each resource's time by its number."""
    rows = await conn.fetch(
        "SELECT resource_no, lower(during) - (resource_no::bigint << 34) AS starts,"
        " upper(during) - (resource_no::bigint << 34) AS ends FROM occupancy WHERE booking_id = $1",
        booking_id,
    )
    return {
        row["resource_no"]: Span(*(datetime.fromtimestamp(row[edge], UTC) for edge in ("starts", "ends")))
        for row in rows
    }


async def test_a_claim_takes_all_its_resources_for_its_span(conn: Connection) -> None:
    await claim(conn, "bk_1", Claim((SECOND, FIRST), VISIT))
    assert await held(conn, "bk_1") == {FIRST: VISIT, SECOND: VISIT}


async def test_to_claim_nothing_is_no_claim(conn: Connection) -> None:
    await claim(conn, "bk_1", None)
    assert await held(conn, "bk_1") == {}


async def test_a_claim_that_gets_too_little_fails(conn: Connection) -> None:
    await claim(conn, "bk_1", Claim((SECOND,), VISIT))
    with pytest.raises(asyncpg.ExclusionViolationError):
        await claim(conn, "bk_2", Claim((FIRST, SECOND, THIRD), VISIT))


async def test_a_shortened_time_ends_sooner_on_every_resource_and_another_may_follow(conn: Connection) -> None:
    await claim(conn, "bk_1", Claim((FIRST, SECOND), VISIT))
    await claim(conn, "bk_2", Claim((THIRD,), VISIT))
    half = START + timedelta(minutes=30)
    await occupancy.shorten(conn, "bk_1", half)
    assert await held(conn, "bk_1") == {FIRST: Span(START, half), SECOND: Span(START, half)}
    assert await held(conn, "bk_2") == {THIRD: VISIT}
    await claim(conn, "bk_3", Claim((FIRST,), Span(half, END)))


async def test_what_is_released_is_free(conn: Connection) -> None:
    await claim(conn, "bk_1", Claim((FIRST, SECOND), VISIT))
    await occupancy.release(conn, "bk_1")
    assert await held(conn, "bk_1") == {}
    await claim(conn, "bk_2", Claim((FIRST, SECOND), VISIT))
