"""Deliveries that the database makes are claimed and sent as any others."""

import json
from collections import Counter
from collections.abc import AsyncIterator

import asyncpg
import pytest
from bench.many_deliveries import fill

from chassis.clock import utc_now
from chassis.postgres import Database
from support.dispatcher import prepare
from webhook_dispatcher.service.composition import compose
from webhook_dispatcher.store import claims
from webhook_dispatcher.store.claims import Share

SUBSCRIPTIONS = {"org_1": ["sub_1a", "sub_1b"], "org_2": ["sub_2a", "sub_2b"]}


@pytest.fixture
async def filled(database: str) -> AsyncIterator[Database]:
    """A database with 40 deliveries that wait; 400 were there before."""
    await prepare(database)
    conn = await asyncpg.connect(database)
    for count in (400, 40):
        await fill(conn, count, SUBSCRIPTIONS)
    await conn.close()
    async with Database(database, pool_size=2, application="tests").opened() as opened:
        yield opened


async def test_they_wait_in_like_numbers_for_each_subscription(filled: Database) -> None:
    async with filled.connection() as conn:
        lines = await claims.waiting(conn)
        shares = [Share(one.subscription_id, one.retrying, 1_000, one.day) for one in lines]
        claimed = await claims.claim(conn, "wrk_1", shares, utc_now())
    counts = Counter(one.subscription_id for one in claimed)
    assert counts == dict.fromkeys(("sub_1a", "sub_1b", "sub_2a", "sub_2b"), 10)
    assert len({one.id for one in claimed}) == 40


async def test_each_tells_of_an_event_of_its_subscriptions_organization(filled: Database) -> None:
    async with filled.connection() as conn:
        rows = await conn.fetch(
            "SELECT subscription_id, event_id, resource_id, record FROM deliveries JOIN events USING (event_id)"
        )
    for row in rows:
        record, sent = json.loads(row["record"]), json.loads(b"{" + compose(row["record"]).tail)
        assert row["subscription_id"] in SUBSCRIPTIONS[record["orgid"]]
        assert (sent["eventId"], sent["resourceId"]) == (row["event_id"], row["resource_id"])
        assert sent["data"]["id"] == row["resource_id"]


async def test_every_event_is_matched_with_what_it_has(filled: Database) -> None:
    async with filled.connection() as conn:
        rows = await conn.fetch(
            "SELECT matched, count(id) AS has FROM events JOIN deliveries USING (event_id) GROUP BY event_id, matched"
        )
    assert [(row["matched"], row["has"]) for row in rows] == [(2, 2)] * 20
