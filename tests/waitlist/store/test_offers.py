"""Offers in their table: what the database itself refuses (I8), and which of them are found for what."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from chassis.ids import new_id
from chassis.postgres import Connection, Database
from support.waiting_entries import an_org, waits
from support.waitlist_values import NOW
from waitlist.domain.entry import Entry
from waitlist.domain.offer import LEASE, Offer, OfferState
from waitlist.store import entries, offers

OPEN = (OfferState.REQUESTED, OfferState.LIVE)
ENDED = tuple(state for state in OfferState if state not in OPEN)


@pytest.fixture
async def conn(alone: Database) -> AsyncIterator[Connection]:
    """A connection to a database of the service's own."""
    async with alone.connection() as connection:
        yield connection


@pytest.fixture
async def entry(conn: Connection) -> Entry:
    """Somebody who waits."""
    waiting = waits(an_org())
    await entries.insert(conn, waiting)
    return waiting


def an_offer(entry: Entry, state: OfferState = OfferState.REQUESTED, **fields: Any) -> Offer:
    """An offer of an entry, with a hold unless it is only asked for."""
    is_held = state is not OfferState.REQUESTED
    start = NOW + timedelta(days=30)
    made: dict[str, Any] = {
        "id": new_id("wlo"),
        "org_id": entry.org_id,
        "entry_id": entry.id,
        "queue": entry.queue,
        "attempt": int(is_held),
        "round": "wlo_1",
        "held": True,
        "start_time": start,
        "end_time": start + timedelta(minutes=90),
        "party_size": entry.party_size,
        "title": None,
        "table_ids": ("tbl_1",) if is_held else (),
        "hold_minutes": 15,
        "hold_id": "hld_1" if is_held else None,
        "hold_open": is_held,
        "leaves": False,
        "state": state,
        "expires_at": NOW + timedelta(minutes=15),
        "made_by": "system",
        "request_id": "req_1",
        "leased_until": NOW + LEASE,
    }
    return Offer(**{**made, **fields})


async def put(conn: Connection, *some: Offer) -> None:
    """Write offers down."""
    for offer in some:
        await offers.insert(conn, offer)


async def another(conn: Connection, entry: Entry, **fields: Any) -> Entry:
    """Somebody else who waits in that queue."""
    made = replace(waits(entry.org_id), **fields)
    await entries.insert(conn, made)
    return made


@pytest.mark.parametrize("second", OPEN)
@pytest.mark.parametrize("first", OPEN)
async def test_an_entry_is_offered_one_thing_at_a_time(
    conn: Connection, entry: Entry, first: OfferState, second: OfferState
) -> None:
    """I8: «at most one live offer per entry», whoever writes it."""
    await put(conn, an_offer(entry, first))
    with pytest.raises(asyncpg.UniqueViolationError, match="offers_one_of_entry"):
        await put(conn, an_offer(entry, second))


@pytest.mark.parametrize("ended", ENDED)
async def test_what_has_ended_is_in_no_ones_way(conn: Connection, entry: Entry, ended: OfferState) -> None:
    live = an_offer(entry, OfferState.LIVE)
    await put(conn, an_offer(entry, ended), live)
    assert await offers.open_of(conn, entry.org_id, entry.id) == live
    with pytest.raises(asyncpg.UniqueViolationError, match="offers_one_of_entry"):
        await offers.update(conn, replace(an_offer(entry, OfferState.LIVE), id=await _ended_id(conn, entry)))


async def _ended_id(conn: Connection, entry: Entry) -> str:
    """Find the offer of an entry that has ended, to bring it to life again."""
    found: str = await conn.fetchval(
        "SELECT id FROM offers WHERE entry_id = $1 AND state NOT IN ('requested', 'live')", entry.id
    )
    return found


async def test_a_live_offer_has_its_hold(conn: Connection, entry: Entry) -> None:
    """I8: «a live offer always has a live hold (a `notify_all` notice is not an offer)»"""
    for fields in ({"hold_open": False}, {"held": False}, {"attempt": 0}, {"hold_id": None}):
        with pytest.raises(asyncpg.CheckViolationError):
            await put(conn, an_offer(entry, OfferState.LIVE, **fields))
    await put(conn, an_offer(entry, OfferState.LIVE, held=False, hold_open=False, hold_id=None))


async def test_those_past_their_deadline_are_found(conn: Connection, entry: Entry) -> None:
    over = an_offer(entry, OfferState.LIVE)
    others = [
        an_offer(await another(conn, entry), OfferState.LIVE, expires_at=over.expires_at + timedelta(seconds=1)),
        an_offer(await another(conn, entry), OfferState.REQUESTED),
        an_offer(await another(conn, entry), OfferState.EXPIRED),
        an_offer(await another(conn, entry, queue="elsewhere"), OfferState.LIVE, queue="elsewhere"),
    ]
    await put(conn, over, *others)
    before = over.expires_at - timedelta(microseconds=1)
    assert await offers.overdue(conn, entry.org_id, entry.queue, before, 10) == []
    assert await offers.overdue(conn, entry.org_id, entry.queue, over.expires_at, 10) == [over]
    assert await offers.overdue(conn, entry.org_id, entry.queue, over.expires_at, 0) == []
    assert await offers.overdue(conn, an_org(), entry.queue, over.expires_at, 10) == []


async def test_the_holds_of_those_that_ended_are_given_back_once(conn: Connection, entry: Entry) -> None:
    ended = an_offer(entry, OfferState.DECLINED)
    live = an_offer(entry, OfferState.LIVE)
    given_back = an_offer(entry, OfferState.EXPIRED, hold_open=False)
    await put(conn, ended, live, given_back, an_offer(await another(conn, entry), OfferState.REQUESTED))
    assert await offers.to_release(conn, entry.org_id, entry.queue) == [ended]
    await offers.released(conn, ended)
    await offers.released(conn, live)  # it has not ended
    assert await offers.to_release(conn, entry.org_id, entry.queue) == []
    assert await offers.open_of(conn, entry.org_id, entry.id) == live


async def test_one_that_is_in_hand_is_taken_by_nobody_else(conn: Connection, entry: Entry) -> None:
    offer = an_offer(entry)
    await put(conn, offer)
    over = offer.leased_until
    early = over - timedelta(microseconds=1)
    assert not await offers.lease(conn, offer, now=early, until=early + LEASE)
    assert await offers.lease(conn, offer, now=over, until=over + LEASE)
    assert not await offers.lease(conn, offer, now=over, until=over + LEASE)  # whoever comes second
    await offers.let_go(conn, offer, over)
    assert await offers.lease(conn, offer, now=over, until=over + LEASE)
    await offers.update(conn, replace(offer, state=OfferState.FAILED))
    assert not await offers.lease(conn, offer, now=over + 2 * LEASE, until=over + 3 * LEASE)


async def test_what_stands_still_in_nobodys_hands_is_found(conn: Connection, entry: Entry) -> None:
    offer = an_offer(entry)
    await put(conn, offer)
    assert await offers.queues_to_resume(conn, offer.leased_until - timedelta(microseconds=1), 10) == []
    assert await offers.queues_to_resume(conn, offer.leased_until, 10) == [(entry.org_id, entry.queue)]
