"""Leaving an old key behind: what it sealed opens, is sealed anew, and then opens without it."""

import asyncio
import math
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from chassis import resealing
from chassis.crypto import Sealer
from chassis.ids import new_id
from chassis.lifecycle import Stop
from chassis.postgres import Database
from chassis.resealing import Resealer, Resealing
from support.waiting import eventually
from webhook_dispatcher.domain.auth import ClientCredentials, UnreadableAuth
from webhook_dispatcher.domain.rotation import OldSecret
from webhook_dispatcher.domain.subscription import State, Subscription
from webhook_dispatcher.store.sealed import TABLE
from webhook_dispatcher.store.subscriptions import SubscriptionStore, directory_version
from webhook_dispatcher.worker.metrics import SEALED_WITH_OLD_KEYS, UNREADABLE

NOW = datetime(2026, 11, 21, tzinfo=UTC)
OLD_KEY, NEW_KEY = os.urandom(32), os.urandom(32)
OLD, BOTH, NEW = (SubscriptionStore(Sealer(*keys)) for keys in ([OLD_KEY], [NEW_KEY, OLD_KEY], [NEW_KEY]))


async def put(database: Database, store: SubscriptionStore, state: State = State.ACTIVE) -> Subscription:
    """Write a subscription with everything that is sealed."""
    made = Subscription(
        id=new_id("sub"),
        org_id="org_test",
        url="https://example.com/",
        events=("*",),
        description=None,
        headers={"X-Token": "secret"},
        secret=bytes(32),
        retry=None,
        state=state,
        disabled_reason=None,
        created_at=NOW,
        updated_at=NOW,
        active_since=NOW,
        auth=ClientCredentials("https://example.com/token", "id", "client secret", None, None),
    )
    rotated = replace(made, secret=b"n" * 32, old_secrets=(OldSecret(bytes(32), NOW + timedelta(hours=24)),))
    async with database.transaction() as conn:
        await store.insert(conn, made, bytes(32))
        await store.rotate(conn, rotated, b"n" * 32)
        return replace(rotated, version=await directory_version(conn))


async def read(database: Database, store: SubscriptionStore) -> list[Subscription]:
    async with database.connection() as conn:
        return sorted(await store.changed_since(conn, 0), key=lambda one: one.id)


def told(name: str) -> float:
    value = REGISTRY.get_sample_value(f"slotwire_webhook_{name}")
    assert value is not None
    return value


async def look(database: Database, sealer: Sealer) -> tuple[float, float]:
    """Run until a whole look is done; answers how many an old key seals, and how many nothing opens."""
    stop, one = Stop(), Resealer(Resealing(database, sealer, TABLE), stale=SEALED_WITH_OLD_KEYS, unreadable=UNREADABLE)
    assert math.isnan(told("sealed_with_old_keys"))
    running = asyncio.create_task(one.run(stop))

    async def has_looked() -> bool:
        return not math.isnan(told("unreadable"))

    await eventually(has_looked, within=10)
    stop.set()
    await running
    return told("sealed_with_old_keys"), told("unreadable")


async def test_after_a_look_the_old_key_can_be_dropped(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resealing, "_ROWS", 3)
    made = [await put(db, OLD, state) for state in (State.ACTIVE, State.DISABLED) for _ in range(4)]
    assert await read(db, BOTH) == made
    assert {(one.headers, one.secret, one.auth) for one in await read(db, NEW)} == {(None, None, UnreadableAuth())}
    assert await look(db, Sealer(NEW_KEY, OLD_KEY)) == (0, 0)
    assert await read(db, NEW) == made  # nothing else has changed, the version neither
    assert await read(db, OLD) != made


async def test_what_the_present_key_sealed_is_not_written_again(db: Database) -> None:
    await put(db, NEW)
    async with db.connection() as conn:
        before = await conn.fetchrow("SELECT xmin, * FROM subscriptions")
        assert await look(db, Sealer(NEW_KEY, OLD_KEY)) == (0, 0)
        assert await conn.fetchrow("SELECT xmin, * FROM subscriptions") == before


async def test_a_change_that_is_under_way_is_not_waited_for(db: Database) -> None:
    first, second = await put(db, OLD), await put(db, OLD)
    async with db.transaction() as conn:
        await conn.execute("SELECT FROM subscriptions WHERE id = $1 FOR UPDATE", first.id)
        assert await look(db, Sealer(NEW_KEY, OLD_KEY)) == (1, 0)
        assert [one.secret for one in await read(db, NEW)] == [None, second.secret]
    assert await look(db, Sealer(NEW_KEY, OLD_KEY)) == (0, 0)
    assert await read(db, NEW) == [first, second]


async def test_what_nothing_opens_is_counted_and_left(db: Database) -> None:
    await put(db, SubscriptionStore(Sealer(os.urandom(32))))
    readable = await put(db, OLD)
    assert await look(db, Sealer(NEW_KEY, OLD_KEY)) == (0, 1)
    assert (await read(db, NEW))[1] == readable
