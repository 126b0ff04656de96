"""Lists of deliveries: their order, their filters, and that a page costs what a page holds."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from chassis.clock import utc_now
from chassis.ids import next_id
from chassis.postgres import Connection, Database
from support.dispatcher import ORG, put_deliveries
from webhook_dispatcher.domain.delivery import Birth, DeliveryState, DiscardReason
from webhook_dispatcher.domain.ids import delivery_id
from webhook_dispatcher.domain.reading import Cut, DeliveryFilter
from webhook_dispatcher.store import deliveries
from webhook_dispatcher.store.days import DAYS

ALL = DeliveryFilter(None, None, None)
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


async def put_history(conn: Connection, count: int, every: timedelta = timedelta(seconds=1)) -> list[str]:
    """Write deliveries of one event every so often; the oldest first."""
    at = [BEGAN + every * number for number in range(count)]
    events = [next_id("evt", None, one) for one in at]
    births = [Birth(delivery_id(one, "sub_a"), one, "sub_a", ORG, "reservation.created") for one in events]
    async with conn.transaction():
        await DAYS.ensure(conn, {one.date() for one in at})
    await deliveries.insert(conn, births, utc_now())
    return [one.id for one in births]


@pytest.mark.parametrize("every", [timedelta(seconds=1), timedelta(hours=12)], ids=["a day", "several days"])
async def test_pages_go_from_the_newest_event_to_the_oldest(db: Database, every: timedelta) -> None:
    async with db.connection() as conn:
        ids = await put_history(conn, 7, every)
        first = await deliveries.page(conn, "sub_a", ALL, Cut(4, None))
        second = await deliveries.page(conn, "sub_a", ALL, Cut(4, first.items[-1].id))
        since = await deliveries.page(conn, "sub_a", DeliveryFilter(None, None, BEGAN + every * 5), Cut(9, None))
        other = await deliveries.page(conn, "sub_b", ALL, Cut(9, None))
    assert [one.id for one in (*first.items, *second.items)] == ids[::-1]
    assert (first.has_more, second.has_more) == (True, False)
    assert [one.id for one in since.items] == ids[:4:-1]
    assert other.items == []


async def test_a_page_reads_as_many_rows_as_it_holds_wherever_it_begins(db: Database) -> None:
    """Under a plan that knows no values, too: the cursor and the time are where the index is entered."""
    async with db.transaction() as conn:
        ids = await put_history(conn, 5_000, timedelta(minutes=1))
        await conn.execute("ANALYZE deliveries")
        await conn.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        before = await fetched(conn)
        page = await deliveries.page(conn, "sub_a", ALL, Cut(10, ids[100]))
        late = DeliveryFilter(DeliveryState.DELIVERED, None, BEGAN + timedelta(minutes=4_900))
        none = await deliveries.page(conn, "sub_a", late, Cut(10, None))
        read = await fetched(conn) - before
    assert [one.id for one in page.items] == ids[99:89:-1]
    assert none.items == []
    assert read <= 11 + 100


@pytest.mark.parametrize("wanted", [DeliveryState.EXHAUSTED, DeliveryState.DISCARDED, DeliveryState.PENDING])
async def test_a_page_of_a_state_reads_no_others(db: Database, wanted: DeliveryState) -> None:
    """However many others there are, and whether or not there is one of it."""
    others = {
        DeliveryState.EXHAUSTED: "discarded",
        DeliveryState.DISCARDED: "exhausted",
        DeliveryState.PENDING: "delivered",
    }
    async with db.transaction() as conn:
        ids = await put_history(conn, 5_000, timedelta(minutes=1))
        await change(conn, ids[::2], "delivered")
        await change(conn, ids[1::2], others[wanted])
        await conn.execute("ANALYZE deliveries")
        await conn.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        before = await fetched(conn)
        for events in (None, "reservation.created"):
            none = await deliveries.page(conn, "sub_a", DeliveryFilter(wanted, events, None), Cut(10, None))
            assert none.items == []
        assert await fetched(conn) - before <= 40
        await change(conn, ids[100:200], wanted)
        before = await fetched(conn)
        page = await deliveries.page(conn, "sub_a", DeliveryFilter(wanted, None, None), Cut(10, ids[170]))
        assert [one.id for one in page.items] == ids[169:159:-1]
        assert page.has_more
        assert await fetched(conn) - before <= 60


async def test_pending_ones_are_listed_in_one_order_whoever_holds_them(db: Database) -> None:
    async with db.transaction() as conn:
        ids = await put_history(conn, 60, timedelta(hours=1))
        await conn.execute("UPDATE deliveries SET leased_by = 'wrk_1' WHERE id = ANY ($1)", ids[::2])
        await conn.execute("UPDATE deliveries SET awaits_turn = true WHERE id = ANY ($1)", ids[1::4])
        pending = DeliveryFilter(DeliveryState.PENDING, None, BEGAN + timedelta(hours=3))
        first = await deliveries.page(conn, "sub_a", pending, Cut(50, None))
        second = await deliveries.page(conn, "sub_a", pending, Cut(50, first.items[-1].id))
        other = await deliveries.page(conn, "sub_b", pending, Cut(50, None))
    assert [one.id for one in (*first.items, *second.items)] == ids[:2:-1]
    assert (first.has_more, second.has_more, other.items) == (True, False, [])


async def change(conn: Connection, ids: Sequence[str], state: str) -> None:
    await conn.execute(
        """
        UPDATE deliveries SET state = $2, reason = CASE WHEN $2 = 'discarded' THEN 'disabled' END,
            settled_at = CASE WHEN $2 <> 'pending' THEN now() END
        WHERE id = ANY ($1)
        """,
        ids,
        state,
    )


async def fetched(conn: Connection) -> int:
    rows: int = await conn.fetchval(
        """
        SELECT sum(idx_tup_fetch + seq_tup_read)::int FROM pg_stat_xact_user_tables
        WHERE relname LIKE 'deliveries%'
        """
    )
    return rows


async def test_only_pending_deliveries_that_nobody_holds_are_discarded(db: Database) -> None:
    free = await put_deliveries(db, "sub_a", 2)
    await put_deliveries(db, "sub_a", 1, lease="wrk_1")
    await put_deliveries(db, "sub_b", 1)
    async with db.connection() as conn:
        assert await deliveries.discard(conn, "sub_a", DiscardReason.DELETED, at_most=3) == 2
        discarded = await conn.fetch("SELECT id, reason FROM deliveries WHERE state = 'discarded'")
    assert {(row["id"], row["reason"]) for row in discarded} == {(one, "deleted") for one in free}
