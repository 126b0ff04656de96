"""Subscriptions in the database: what is sealed, what is written, and who is disabled."""

import os
from dataclasses import replace
from datetime import UTC, datetime

from chassis.crypto import Sealer
from chassis.postgres import Connection, Database
from webhook_dispatcher.domain.reading import Cut
from webhook_dispatcher.domain.subscription import DisabledReason, State, Subscription
from webhook_dispatcher.store import subscriptions
from webhook_dispatcher.store.subscriptions import SubscriptionStore

NOW = datetime(2026, 11, 1, tzinfo=UTC)
OURS, THEIRS = SubscriptionStore(Sealer(bytes(32))), SubscriptionStore(Sealer(os.urandom(32)))


async def put(conn: Connection, subscription_id: str = "sub_a", **other: str) -> Subscription:
    made = Subscription(
        id=subscription_id,
        org_id="org_test",
        url="https://example.com/",
        events=("*",),
        description=None,
        headers={"X-Token": "secret"},
        secret=bytes(32),
        retry=None,
        state=State.ACTIVE,
        disabled_reason=None,
        created_at=NOW,
        updated_at=NOW,
        active_since=NOW,
    )
    made = replace(made, **other)  # type: ignore[arg-type]  # strings for columns of text
    await OURS.insert(conn, made, bytes(32))
    return made


async def read(conn: Connection, store: SubscriptionStore = OURS, subscription_id: str = "sub_a") -> Subscription:
    found = await store.fetch(conn, "org_test", subscription_id)
    assert found is not None
    return found


async def test_what_is_written_is_read_with_the_version_of_its_change(db: Database) -> None:
    async with db.transaction() as conn:
        made = await put(conn)
        found = await read(conn)
        assert found == replace(made, version=1)
        after = replace(found, headers={}, description="Front desk", state=State.DISABLED)
        await OURS.update(conn, found, after)
        assert await read(conn) == replace(after, version=2)
        assert await OURS.changed_since(conn, 1) == [replace(after, version=2)]
        assert await OURS.changed_since(conn, 2) == []


async def test_a_change_under_another_key_leaves_sealed_headers_as_they_are(db: Database) -> None:
    """What cannot be opened is not written back: with the right key again all is there."""
    async with db.transaction() as conn:
        await put(conn)
        unreadable = await read(conn, THEIRS)
        assert (unreadable.headers, unreadable.secret) == (None, None)
        await THEIRS.update(conn, unreadable, replace(unreadable, description="changed"))
        found = await read(conn)
        assert (found.headers, found.secret, found.description) == ({"X-Token": "secret"}, bytes(32), "changed")
        await THEIRS.update(conn, unreadable, replace(unreadable, headers={}))
        assert (await read(conn, THEIRS)).headers == {}


async def test_pages_go_from_the_newest_to_the_oldest(db: Database) -> None:
    async with db.transaction() as conn:
        ids = [(await put(conn, f"sub_{number}")).id for number in range(5)]
        first = await OURS.page(conn, "org_test", Cut(3, None))
        second = await OURS.page(conn, "org_test", Cut(3, first.items[-1].id))
    assert [one.id for one in (*first.items, *second.items)] == ids[::-1]
    assert (first.has_more, second.has_more) == (True, False)


async def test_only_active_ones_are_disabled_and_each_time_counts_one_event(db: Database) -> None:
    async with db.transaction() as conn:
        for subscription_id in ("sub_a", "sub_b"):
            await put(conn, subscription_id)
        active = await subscriptions.lock_active(conn, {"sub_a", "sub_none"})
        assert [(one.id, one.url, one.last_event_id) for one in active] == [("sub_a", "https://example.com/", None)]
        (ended,) = await subscriptions.disable(conn, {"sub_a": "evt_1"}, DisabledReason.FAILING, NOW)
        assert (ended.id, ended.org_id, ended.updated_at, ended.sequence) == ("sub_a", "org_test", NOW, 1)
        assert await subscriptions.lock_active(conn, {"sub_a"}) == []
        found = await read(conn)
        assert (found.state, found.disabled_reason) == (State.DISABLED, DisabledReason.FAILING)
        assert (await read(conn, subscription_id="sub_b")).state is State.ACTIVE
        await OURS.update(conn, found, replace(found, state=State.ACTIVE, disabled_reason=None))
        (again,) = await subscriptions.lock_active(conn, {"sub_a"})
        assert again.last_event_id == "evt_1"
        (ended,) = await subscriptions.disable(conn, {"sub_a": "evt_2"}, DisabledReason.GONE, NOW)
        assert ended.sequence == 2
