"""The directory: never behind the database after a refresh, however refreshes run beside each other."""

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from chassis.lifecycle import Loop, background
from chassis.postgres import Connection, Database
from support.dispatcher import ORG, SEALER, Dispatcher, dispatcher
from support.waiting import eventually
from webhook_dispatcher.domain.delivery import DiscardReason
from webhook_dispatcher.domain.subscription import State, Subscription
from webhook_dispatcher.service.directory import Directory
from webhook_dispatcher.store.subscriptions import SubscriptionStore
from webhook_dispatcher.worker import Follower

URL = "https://example.com/"


async def change(one: Dispatcher, before: Subscription, **fields: Any) -> Subscription:
    after = replace(before, **fields)
    async with one.database.transaction() as conn:
        if after.state is State.DELETED:
            await one.store.delete(conn, after)
        else:
            await one.store.update(conn, before, after)
    return after


async def refresh(one: Dispatcher) -> None:
    async with one.database.connection() as conn:
        await one.directory.refresh(conn)


async def test_it_knows_who_wants_what(db: Database) -> None:
    one = dispatcher(db)
    everything = await one.subscribe(URL)
    some = await one.subscribe(URL, events=["reservation.seated"])
    await one.subscribe(URL, org_id="org_else")
    await refresh(one)
    assert {wanting.id for wanting in one.directory.wanting(ORG, "reservation.seated")} == {everything.id, some.id}
    assert [wanting.id for wanting in one.directory.wanting(ORG, "reservation.created")] == [everything.id]
    assert one.directory.wanting(ORG, "reservation.assigned") == ()


async def test_every_change_is_taken_in_and_watchers_hear_of_it(db: Database) -> None:
    one = dispatcher(db)
    changed: list[str] = []
    one.directory.watch(changed.append)
    first, second = await one.subscribe(URL), await one.subscribe(URL)
    await refresh(one)
    assert changed == [first.id, second.id]
    moved = await change(one, first, url="https://example.com/moved")
    await refresh(one)
    assert one.directory.active(first.id) is not None
    assert [wanting.url for wanting in one.directory.wanting(ORG, "reservation.created")] == [moved.url, URL]
    await change(one, moved, state=State.DISABLED)
    await change(one, second, state=State.DELETED)
    await refresh(one)
    assert changed[2:] == [first.id, first.id, second.id]
    assert one.directory.active(first.id) is None
    assert [wanting.id for wanting in one.directory.wanting(ORG, "reservation.created")] == [first.id]
    reasons = [one.directory.discard_reason(subscription.id) for subscription in (first, second)]
    assert reasons == [DiscardReason.DISABLED, DiscardReason.DELETED]


class LingeringStore(SubscriptionStore):
    """Holds the answers of first looks back until it is told."""

    def __init__(self) -> None:
        super().__init__(SEALER)
        self.told = asyncio.Event()

    async def live(self, conn: Connection) -> list[Subscription]:
        found = await super().live(conn)
        await self.told.wait()
        return found


async def test_of_two_first_looks_the_older_one_brings_nothing_back(db: Database) -> None:
    one = dispatcher(db)
    deleted = await one.subscribe(URL)
    store = LingeringStore()
    directory = Directory(store)
    async with db.connection() as past, db.connection() as present, past.transaction(isolation="repeatable_read"):
        await past.execute("SELECT FROM directory")
        await change(one, deleted, state=State.DELETED)
        async with asyncio.TaskGroup() as group:
            group.create_task(directory.refresh(past))
            group.create_task(directory.refresh(present))
            await asyncio.sleep(0.2)
            store.told.set()
    async with db.connection() as conn:
        await directory.refresh(conn)
    assert directory.active(deleted.id) is None
    assert directory.wanting(ORG, "reservation.created") == ()


async def is_known(one: Dispatcher, made: Subscription) -> bool:
    return one.directory.active(made.id) is not None


async def test_it_follows_changes_that_are_announced(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook_dispatcher.worker.follower._POLL_SECONDS", 3_600.0)
    one = dispatcher(db)
    async with background(Loop("directory", Follower(one.directory, db).run), drain_seconds=5.0):
        for _ in range(2):  # the first one may be found by the look with which it begins
            made = await one.subscribe(URL)
            await eventually(partial(is_known, one, made))
