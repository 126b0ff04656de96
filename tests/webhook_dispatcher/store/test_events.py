"""Every consumed record leaves a trace: what is passed over is a gap, until it is read after all."""

from dataclasses import replace

import pytest

from chassis.clock import utc_now
from chassis.postgres import Connection, Database
from support.dispatcher import ORG, a_happening, arrival
from webhook_dispatcher.domain.arrival import Arrival, Place
from webhook_dispatcher.domain.delivery import Birth
from webhook_dispatcher.domain.ids import delivery_id
from webhook_dispatcher.store import events, ledger
from webhook_dispatcher.store.subscriptions import directory_version

_TABLES = ("events", "deliveries", "tallies", "gaps", "consumed")


async def note(conn: Connection, *positions: int, partition: int = 0) -> int:
    """Note records of a partition; answers how many were passed over so far."""
    await events.note(conn, [Place("t", partition, position) for position in positions])
    return await ledger.passed_over(conn)


async def test_records_that_follow_each_other_leave_no_gap(db: Database) -> None:
    async with db.connection() as conn:
        assert await note(conn, 41) == 0  # where a partition is first read is where its account begins
        assert await note(conn, 42, 43, 44) == 0
        assert await note(conn, 7, partition=1) == 0
        assert await note(conn, 43, 44, 45) == 0  # some of them again
        assert await note(conn, 46) == 0


async def test_what_is_passed_over_is_a_gap_between_batches_and_inside_one(db: Database) -> None:
    async with db.connection() as conn:
        await note(conn, 1, 2)
        assert await note(conn, 4, 5) == 1
        assert await note(conn, 6, 9, 12) == 1 + 4
        assert await note(conn, 5, 6, 9, 12) == 1 + 4
        rows = await conn.fetch("SELECT first, next FROM gaps ORDER BY first")
    assert [tuple(row) for row in rows] == [(3, 4), (7, 9), (10, 12)]


async def test_a_gap_closes_as_its_records_are_read_after_all(db: Database) -> None:
    async with db.connection() as conn:
        await note(conn, 1)
        assert await note(conn, 10, 20) == 8 + 9
        assert await note(conn, 1, 2, 3, partition=1) == 8 + 9
        assert await note(conn, 1, 2, 3) == 6 + 9
        assert await note(conn, 4, 5, 6, 7, 8, 9, 10, 11) == 8
        assert await note(conn, *range(12, 21)) == 0
        assert await note(conn, 21) == 0


def at(partition: int, position: int) -> Arrival:
    return replace(arrival(a_happening()), place=Place("t", partition, position))


async def take_in(conn: Connection, *arrivals: Arrival, ahead: int = 0) -> set[str] | None:
    """Take events in at once, each with one delivery, as if the directory were so many versions ahead."""
    matched = {one.event_id: 1 for one in arrivals}
    births = [Birth(delivery_id(one.event_id, "sub_1"), one.event_id, "sub_1", ORG, one.type) for one in arrivals]
    version = await directory_version(conn) - ahead
    return await events.take_in(conn, arrivals, matched, births, directory=version, now=utc_now())


async def written(conn: Connection) -> list[int]:
    return [await conn.fetchval(f"SELECT count(*) FROM {table}") for table in _TABLES]


async def ends(conn: Connection) -> list[int]:
    return [row["next"] for row in await conn.fetch("SELECT next FROM consumed ORDER BY partition")]


async def test_events_are_taken_in_at_once_where_records_follow(db: Database) -> None:
    async with db.connection() as conn:
        await events.note(conn, [Place("t", 0, 4), Place("t", 1, 7)])
        some = [at(0, 5), at(1, 8), at(0, 6)]
        assert await take_in(conn, *some) == {delivery_id(one.event_id, "sub_1") for one in some}
        assert await written(conn) == [3, 3, 2, 0, 2]
        assert await ends(conn) == [7, 9]
        again = replace(some[0], place=Place("t", 1, 9))
        assert await take_in(conn, again, at(0, 7)) is not None
        assert await written(conn) == [4, 4, 2, 0, 2]


@pytest.mark.parametrize(
    ("arrivals", "ahead"),
    [
        pytest.param([at(0, 5), at(1, 8)], 1, id="subscriptions have changed"),
        pytest.param([at(0, 5), at(1, 9)], 0, id="records are missing"),
        pytest.param([at(0, 5), at(1, 7)], 0, id="records come again"),
        pytest.param([at(0, 5), at(0, 7), at(1, 8)], 0, id="records are missing between"),
        pytest.param([at(0, 5), at(2, 1)], 0, id="a partition is new"),
    ],
)
async def test_nothing_is_taken_in_at_once_where_more_is_to_be_done(
    db: Database, arrivals: list[Arrival], ahead: int
) -> None:
    async with db.connection() as conn:
        await events.note(conn, [Place("t", 0, 4), Place("t", 1, 7)])
        assert await take_in(conn, *arrivals, ahead=ahead) is None
        assert await written(conn) == [0, 0, 0, 0, 2]
        assert await ends(conn) == [5, 8]
