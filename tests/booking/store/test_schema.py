"""The database itself refuses what must never be, whoever writes."""

from importlib import resources

import asyncpg
import pytest

from chassis.postgres import Connection

DAY = 86_400
LATEST = 7_258_118_399
PER_RESOURCE = 1 << 34
HIGHEST_RESOURCE = (1 << 29) - 1


async def occupy(conn: Connection, resource_no: int, starts: int, ends: int, booking_id: str = "bk") -> None:
    await conn.execute(
        "INSERT INTO occupancy (resource_no, during, booking_id) VALUES ($1, slot($1, $2, $3), $4)",
        resource_no,
        starts,
        ends,
        booking_id,
    )


async def test_two_bookings_never_overlap_on_a_resource(conn: Connection) -> None:
    await occupy(conn, HIGHEST_RESOURCE, DAY, DAY + 10, "bk_a")
    with pytest.raises(asyncpg.ExclusionViolationError):
        await occupy(conn, HIGHEST_RESOURCE, DAY + 9, DAY + 20, "bk_b")


async def test_a_booking_may_start_when_another_ends_and_overlap_on_another_resource(conn: Connection) -> None:
    await occupy(conn, HIGHEST_RESOURCE, DAY, DAY + 10, "bk_a")
    await occupy(conn, HIGHEST_RESOURCE, DAY + 10, DAY + 20, "bk_b")
    await occupy(conn, HIGHEST_RESOURCE - 1, DAY, DAY + 20, "bk_c")


async def test_an_update_into_a_taken_time_is_refused_too(conn: Connection) -> None:
    await occupy(conn, HIGHEST_RESOURCE, DAY, DAY + 10, "bk_a")
    await occupy(conn, HIGHEST_RESOURCE, DAY + 10, DAY + 20, "bk_b")
    with pytest.raises(asyncpg.ExclusionViolationError):
        await conn.execute(
            "UPDATE occupancy SET during = slot($1, $2, $3) WHERE booking_id = 'bk_b'", HIGHEST_RESOURCE, DAY, DAY + 5
        )


@pytest.mark.parametrize(
    ("resource_no", "starts", "ends"),
    [
        (1, DAY - 1, DAY + 10),
        (1, -DAY, DAY),
        (1, DAY, LATEST + 1),
        (1, DAY, PER_RESOURCE + DAY),
        (1, DAY, DAY),
        (1, DAY + 1, DAY),
        (0, DAY, DAY + 1),
        (-1, DAY, DAY + 1),
        (HIGHEST_RESOURCE + 1, DAY, DAY + 1),
    ],
)
async def test_a_time_or_resource_out_of_bounds_makes_no_slot(
    conn: Connection, resource_no: int, starts: int, ends: int
) -> None:
    with pytest.raises(asyncpg.DataError):
        await conn.fetchval("SELECT slot($1, $2, $3)", resource_no, starts, ends)


async def test_the_bounds_themselves_make_slots_of_their_own_resource(conn: Connection) -> None:
    for resource_no in (1, HIGHEST_RESOURCE):
        slot = await conn.fetchval("SELECT slot($1, $2, $3)", resource_no, DAY, LATEST)
        assert (slot.lower, slot.upper) == (resource_no * PER_RESOURCE + DAY, resource_no * PER_RESOURCE + LATEST)


@pytest.mark.parametrize(
    "during",
    [
        "empty",
        "(,)",
        f"[,{PER_RESOURCE + 9})",
        f"[{PER_RESOURCE + 9},)",
        f"[{PER_RESOURCE + DAY},{2 * PER_RESOURCE + 1})",
        f"[{PER_RESOURCE - 1},{PER_RESOURCE + 9})",
        f"[{2 * PER_RESOURCE + DAY},{2 * PER_RESOURCE + 2 * DAY})",
    ],
)
async def test_a_range_that_is_empty_or_leaves_its_resource_is_refused(conn: Connection, during: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await conn.execute(
            "INSERT INTO occupancy (resource_no, during, booking_id) VALUES (1, $1::text::int8range, 'bk')", during
        )


HISTORY = """
INSERT INTO history (event_id, org_id, booking_id, sequence, type, created_at, data, actor)
VALUES ($1, 'org', 'bk', $2, 'reservation.created', now(), '{}', 'staff')
"""


@pytest.mark.parametrize(
    "rewriting",
    [
        "UPDATE history SET type = 'reservation.cancelled'",
        "UPDATE history SET type = type WHERE event_id = 'evt_none'",
        "DELETE FROM history",
        "TRUNCATE history",
    ],
)
async def test_history_is_append_only(conn: Connection, rewriting: str) -> None:
    await conn.execute(HISTORY, "evt_schema_test", 1)
    with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
        await conn.execute(rewriting)


async def test_history_that_is_there_takes_the_type_that_keeps_the_order_of_keys(conn: Connection) -> None:
    migration = resources.files("booking").joinpath("migrations/0003_history_in_order.sql").read_text()
    await conn.execute("ALTER TABLE history ALTER COLUMN data TYPE jsonb")
    await conn.execute(HISTORY, "evt_schema_test", 1)
    await conn.execute(migration)
    await conn.execute(HISTORY.replace("'{}'", """'{"to": 1, "from": 2}'"""), "evt_schema_test_2", 2)
    rows = await conn.fetch("SELECT data::text AS told FROM history WHERE booking_id = 'bk' ORDER BY sequence")
    assert [row["told"] for row in rows] == ["{}", '{"to": 1, "from": 2}']
    with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
        await conn.execute("DELETE FROM history")


@pytest.mark.parametrize(("event_id", "sequence"), [("evt_schema_test", 2), ("evt_another", 1)])
async def test_an_event_is_in_history_once_and_so_is_its_number(conn: Connection, event_id: str, sequence: int) -> None:
    await conn.execute(HISTORY, "evt_schema_test", 1)
    with pytest.raises(asyncpg.UniqueViolationError):
        await conn.execute(HISTORY, event_id, sequence)


async def test_a_resource_has_a_lane_once(conn: Connection) -> None:
    await conn.execute("INSERT INTO resources (org_id, owner_id, lane) VALUES ('org', 'sch_schema_test', 1)")
    with pytest.raises(asyncpg.UniqueViolationError):
        await conn.execute("INSERT INTO resources (org_id, owner_id, lane) VALUES ('org', 'sch_schema_test', 1)")
