"""Claiming: fair shares of what is due, and never the same row twice."""

from datetime import timedelta

from chassis.clock import utc_now
from chassis.postgres import Connection, Database
from support.dispatcher import a_retention, put_deliveries
from webhook_dispatcher.store import claims
from webhook_dispatcher.store.claims import Line, Share


async def test_every_line_that_waits_is_told_once_with_its_first_due_time(db: Database) -> None:
    now = utc_now()
    for subscription_id, due in (("sub_b", now), ("sub_a", now + timedelta(hours=1)), ("sub_a", now)):
        await put_deliveries(db, subscription_id, 3, due=due)
    await put_deliveries(db, "sub_held", 2, lease="wrk_1")
    retry = (await put_deliveries(db, "sub_b", 1, due=now + timedelta(minutes=5)))[0]
    async with db.connection() as conn:
        await conn.execute("UPDATE deliveries SET retrying = true WHERE id = $1", retry)
        lines = await claims.waiting(conn)
    assert lines == [
        Line("sub_a", retrying=False, due_at=now, day=now.date()),
        Line("sub_b", retrying=False, due_at=now, day=now.date()),
        Line("sub_b", retrying=True, due_at=now + timedelta(minutes=5), day=now.date()),
    ]


async def test_each_line_is_claimed_up_to_its_share_however_long_another_is(db: Database) -> None:
    now = utc_now()
    for subscription_id, count in (("sub_a", 200), ("sub_b", 3), ("sub_c", 7)):
        await put_deliveries(db, subscription_id, count, due=now)
    shares = [
        Share(subscription_id, retrying=False, room=5, day=now.date())
        for subscription_id in ("sub_a", "sub_b", "sub_c")
    ]
    async with db.connection() as conn:
        claimed = await claims.claim(conn, "wrk_1", shares, now)
        held = await conn.fetch("SELECT id FROM deliveries WHERE leased_by = 'wrk_1'")
    counts = [sum(one.subscription_id == share.subscription_id for one in claimed) for share in shares]
    assert counts == [5, 3, 5]
    assert {one.id for one in claimed} == {row["id"] for row in held}
    assert {one.attempts for one in claimed} == {0}


async def test_only_what_is_due_is_claimed_the_longest_due_first(db: Database) -> None:
    now = utc_now()
    dues = [now - timedelta(seconds=seconds) for seconds in (1, 3, 2)]
    ids = [(await put_deliveries(db, "sub_a", 1, due=due))[0] for due in dues]
    await put_deliveries(db, "sub_a", 2, due=now + timedelta(seconds=1))
    async with db.connection() as conn:
        claimed = await claims.claim(conn, "wrk_1", [Share("sub_a", retrying=False, room=9, day=now.date())], now)
    assert [one.id for one in claimed] == [ids[1], ids[2], ids[0]]


async def test_what_another_worker_is_just_claiming_is_passed_over_without_waiting(db: Database) -> None:
    """«FOR UPDATE SKIP LOCKED»"""
    now = utc_now()
    ids = await put_deliveries(db, "sub_a", 10, due=now)
    share = [Share("sub_a", retrying=False, room=6, day=now.date())]
    async with db.transaction() as one, db.transaction() as other:
        first = await claims.claim(one, "wrk_1", share, now)
        second = await claims.claim(other, "wrk_2", share, now)
    assert (len(first), len(second)) == (6, 4)
    assert {claimed.id for claimed in first} | {claimed.id for claimed in second} == set(ids)


async def test_what_waits_on_several_days_is_claimed_day_after_day(db: Database) -> None:
    now = utc_now()
    days = [now.date() - timedelta(days=age) for age in (0, 1, 50)]
    await a_retention(db).ensure({*days, now.date() - timedelta(days=7)})
    ids = {
        day: await put_deliveries(db, "sub_a", 2, due=due, at=now - (now.date() - day))
        for day, due in zip(days, (now, now - timedelta(hours=2), now - timedelta(hours=1)), strict=True)
    }
    taken = []
    async with db.connection() as conn:
        while lines := await claims.waiting(conn):
            (line,) = lines
            taken.append(line.day)
            share = Share("sub_a", retrying=False, room=5, day=line.day)
            claimed = await claims.claim(conn, "wrk_1", [share], now)
            assert [one.id for one in claimed] == sorted(ids[line.day])
    assert taken == [days[1], days[2], days[0]]


async def test_shares_of_several_days_are_claimed_together_the_longest_due_first(db: Database) -> None:
    now = utc_now()
    yesterday = now - timedelta(days=1)
    await a_retention(db).ensure({yesterday.date()})
    late = await put_deliveries(db, "sub_a", 1, due=now)
    early = await put_deliveries(db, "sub_b", 1, due=now - timedelta(hours=1), at=yesterday)
    shares = [
        Share(subscription_id, retrying=False, room=5, day=at.date())
        for subscription_id, at in (("sub_a", now), ("sub_b", yesterday))
    ]
    async with db.connection() as conn:
        claimed = await claims.claim(conn, "wrk_1", shares, now)
    assert [one.id for one in claimed] == [*early, *late]


async def test_a_claim_is_bounded_by_the_bytes_of_the_records_too(db: Database) -> None:
    now = utc_now()
    for subscription_id in ("sub_a", "sub_b"):
        await put_deliveries(db, subscription_id, 10, due=now)
    shares = [Share(one, retrying=False, room=9, day=now.date()) for one in ("sub_b", "sub_a")]
    async with db.connection() as conn:
        await conn.execute("UPDATE events SET record = decode(repeat('78', 1000000), 'hex')")
        first = await claims.claim(conn, "wrk_1", shares, now, size=1)
        more = await claims.claim(conn, "wrk_1", shares, now, size=9_000_000)
        held = await conn.fetchval("SELECT count(*) FROM deliveries WHERE leased_by IS NOT NULL")
    assert [one.subscription_id for one in first] == ["sub_b"]
    assert sorted(one.subscription_id for one in more) == ["sub_b"] * 9
    assert held == 10


async def test_a_long_backlog_and_many_days_are_not_read_through(db: Database) -> None:
    """Neither to find which lines wait, nor to claim a share of them.

    Known faults: «Deliveries do not get slower as events accumulate.»
    """
    now = utc_now()
    await a_retention(db).ensure({now.date() - timedelta(days=age) for age in range(40)})
    for subscription_id, count in (("sub_a", 3_000), ("sub_b", 3_000), ("sub_c", 1)):
        await put_deliveries(db, subscription_id, count, due=now)
    async with db.transaction() as conn:
        await conn.execute("ANALYZE deliveries")
        began = await fetched(conn)
        lines = await claims.waiting(conn)
        found = await fetched(conn)
        shares = [Share(line.subscription_id, line.retrying, 20, line.day) for line in lines]
        claimed = await claims.claim(conn, "wrk_1", shares, now)
        taken = await fetched(conn)
    assert (len(lines), len(claimed)) == (3, 41)
    assert found - began <= 10
    assert taken - found <= 41 * 5  # found, locked, leased, and the record: its size, and all of it


async def fetched(conn: Connection) -> int:
    rows: int = await conn.fetchval(
        """
        SELECT sum(idx_tup_fetch + seq_tup_read)::int FROM pg_stat_xact_user_tables
        WHERE relname LIKE 'deliveries%' OR relname LIKE 'events%'
        """
    )
    return rows
