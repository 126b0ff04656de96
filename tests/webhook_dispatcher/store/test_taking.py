"""Events and their deliveries are written at once, in one statement: all of it, or nothing where more is to be done."""

import asyncio

import pytest

from chassis.clock import utc_now
from chassis.postgres import Connection, Database
from support.dispatcher import ORG, a_happening, arrival, waits_for_a_lock
from support.moments import BEFORE_INGEST, IN_INGEST, held
from support.waiting import eventually
from webhook_dispatcher.domain.arrival import Arrival, Place
from webhook_dispatcher.domain.delivery import Birth
from webhook_dispatcher.domain.ids import delivery_id
from webhook_dispatcher.store import events, taking
from webhook_dispatcher.store.subscriptions import directory_version

_TABLES = ("events", "deliveries", "tallies", "gaps", "consumed")


def at(partition: int, position: int) -> Arrival:
    return arrival(a_happening())._replace(place=Place("t", partition, position))


async def take_in(conn: Connection, *arrivals: Arrival, ahead: int = 0) -> set[str] | None:
    """Take events in at once, each with one delivery, as if the directory were so many versions ahead."""
    places, matched = [one.place for one in arrivals], {one.event_id: 1 for one in arrivals}
    births = [Birth(delivery_id(one.event_id, "sub_1"), one.event_id, "sub_1", ORG, one.type) for one in arrivals]
    version = await directory_version(conn) - ahead
    return await taking.take_in(conn, arrivals, places, matched, births, version=version, now=utc_now())


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
        again = some[0]._replace(place=Place("t", 1, 9))
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


async def test_who_has_lost_a_partition_takes_nothing_in_beside_who_has_it_now(db: Database) -> None:
    """It was paused, and goes on with what the other is about to commit, and with more."""
    mine, more = at(0, 5), at(0, 6)
    async with db.connection() as conn, db.connection() as paused:
        await events.note(conn, [Place("t", 0, 4)])
        async with conn.transaction():
            assert await take_in(conn, mine) is not None
            late = asyncio.create_task(take_in(paused, mine, more))
            await eventually(lambda: waits_for_a_lock(db, "consumed"), within=10)
        assert await late is None
        assert await written(conn) == [1, 1, 1, 0, 1]
        assert await ends(conn) == [6]


# A day of either is locked only when the first row goes there.
_BEGUN = """
SELECT count(DISTINCT split_part(relname, '_2', 1)) FROM pg_locks JOIN pg_class ON pg_class.oid = relation
WHERE pid <> pg_backend_pid() AND mode = 'RowExclusiveLock' AND relname ~ '^(events|deliveries)_2[0-9]{7}$'
"""


@pytest.mark.parametrize(("moment", "begun"), [(BEFORE_INGEST, 0), (IN_INGEST, 2)])
async def test_events_and_deliveries_are_written_before_they_are_counted(db: Database, moment: str, begun: int) -> None:
    """So a process can be met between that and the commit."""
    async with db.connection() as conn:
        await events.note(conn, [Place("t", 0, 4)])
        await take_in(conn, at(0, 5))
        async with held(db, moment) as hold:
            taking_in = asyncio.create_task(take_in(conn, at(0, 6)))
            await eventually(lambda: waits_for_a_lock(db, "consumed"), within=10)
            assert await hold.conn.fetchval(_BEGUN) == begun
        assert await taking_in is not None
