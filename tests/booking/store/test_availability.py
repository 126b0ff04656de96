"""What is taken blocks the starts that would run into it, and no other."""

from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booking.domain.search import Grid
from booking.domain.stretches import Stretch
from booking.domain.times import EARLIEST, LATEST, Span, epoch_seconds
from booking.store import availability
from chassis.postgres import Connection
from support.booking_values import NOW, START

FIRST, SECOND, THIRD = range(420_000_001, 420_000_004)
MINUTE = timedelta(minutes=1)
HOUR = Grid(60 * MINUTE, 60 * MINUTE)
BASE = epoch_seconds(START)
INSERT = """
INSERT INTO occupancy (resource_no, during, booking_id, hold_id, expires_at)
VALUES ($1, slot($1, $2, $3), $4, $5, $6)
"""


async def take(
    conn: Connection, number: int, begin: int, end: int, *, booking_id: str | None = None, until: datetime | None = None
) -> None:
    hold_id = None if booking_id else f"hld_{number}_{begin}"
    await conn.execute(INSERT, number, BASE + begin, BASE + end, booking_id, hold_id, until)


async def blocked(
    conn: Connection, grid: Grid = HOUR, *, span: Span | None = None, except_id: str | None = None
) -> dict[int, list[Stretch]]:
    """What is blocked, in seconds from `START` on."""
    around = span or Span(START - timedelta(days=1), START + timedelta(days=1))
    found = await availability.blocked(conn, [FIRST, SECOND], around, grid, except_id=except_id, now=NOW)
    return {number: [(begin - BASE, end - BASE) for begin, end in stretches] for number, stretches in found.items()}


async def test_a_start_is_blocked_from_where_it_would_run_into_what_is_taken_until_that_ends(conn: Connection) -> None:
    await take(conn, FIRST, 0, 600, booking_id="bk_1")
    await take(conn, THIRD, 0, 600, booking_id="bk_1")
    assert await blocked(conn) == {FIRST: [(-3599, 600)], SECOND: []}
    buffered = Grid(60 * MINUTE, 60 * MINUTE, before=10 * MINUTE, after=5 * MINUTE)
    assert await blocked(conn, buffered) == {FIRST: [(-3899, 1200)], SECOND: []}


async def test_a_booking_that_moves_and_a_hold_that_has_expired_block_nothing(conn: Connection) -> None:
    await take(conn, FIRST, 0, 600, booking_id="bk_1")
    await take(conn, SECOND, 0, 600, until=NOW)
    await take(conn, SECOND, 9000, 9600, until=NOW + MINUTE)
    assert await blocked(conn, except_id="bk_1") == {FIRST: [], SECOND: [(5401, 9600)]}
    assert (await blocked(conn, except_id=f"hld_{SECOND}_9000"))[SECOND] == []


async def test_up_to_the_bounds_of_time_what_is_taken_blocks_its_own_resource_alone(conn: Connection) -> None:
    edges = [epoch_seconds(edge) - BASE for edge in (EARLIEST, LATEST)]
    await take(conn, FIRST, edges[0], edges[0] + 60, booking_id="bk_1")
    await take(conn, FIRST, edges[1] - 60, edges[1], booking_id="bk_2")
    month = Grid(timedelta(days=31), MINUTE, before=timedelta(days=1), after=timedelta(days=1))
    found = await blocked(conn, month, span=Span(EARLIEST, LATEST))
    day = 86400
    assert found == {
        FIRST: [(edges[0] - 32 * day + 1, edges[0] + 60 + day), (edges[1] - 60 - 32 * day + 1, edges[1] + day)],
        SECOND: [],
    }


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    gaps=st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)), max_size=8),
    lengths=st.tuples(st.integers(1, 40), st.integers(0, 9), st.integers(0, 9)),
)
async def test_exactly_those_starts_are_blocked_whose_time_with_buffers_overlaps(
    conn: Connection, gaps: list[tuple[int, int]], lengths: tuple[int, int, int]
) -> None:
    await conn.execute("DELETE FROM occupancy WHERE resource_no = $1", FIRST)
    taken: list[Stretch] = []
    reached = 0
    for number, (gap, length) in enumerate(gaps):
        taken.append((reached + gap, reached + gap + length))
        reached += gap + length
        await take(conn, FIRST, *taken[-1], booking_id=f"bk_{number}")
    length, before, after = lengths
    grid = Grid(*(timedelta(seconds=one) for one in (length, 60, before, after)))
    stretches = (await blocked(conn, grid))[FIRST]
    for start in range(-60, reached + 60):
        expected = any(begin < start + length + after and end > start - before for begin, end in taken)
        assert any(begin <= start < end for begin, end in stretches) == expected
