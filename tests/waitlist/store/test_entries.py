"""Entries in their table: what the database itself holds, and how places are found."""

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from chassis import migrations
from chassis.ids import new_id
from chassis.postgres import Connection
from support.waitlist_values import DAY, FULL, JO, NOW, STAFF, a_request, an_event_request, drafted
from waitlist.domain.actors import Actor
from waitlist.domain.entry import Contact, Entry, queue_of
from waitlist.domain.errors import AlreadyWaitingError
from waitlist.domain.listing import EntryFilter, Page
from waitlist.domain.status import LIVE, Status
from waitlist.store import entries


@pytest.fixture
async def conn(database: str) -> AsyncIterator[Connection]:
    """A connection to a database of the service's own, which nothing else works on."""
    await migrations.migrate(database, urlsplit(database).path.removeprefix("/"), ["chassis", "waitlist"])
    connection = await asyncpg.connect(database)
    try:
        yield connection
    finally:
        await connection.close()


def an_entry(number: int = 0, **fields: Any) -> Entry:
    """An entry of a client of its own."""
    entry = drafted(a_request())
    made = {"id": new_id("wle"), "client_id": f"cli_{number}", "last_event_id": "evt_1", "version": 1, **fields}
    return replace(entry, **made)


async def test_what_was_written_is_read(conn: Connection) -> None:
    of_an_event = replace(drafted(an_event_request(matter_uid="m"), FULL), id=new_id("wle"), last_event_id="evt_1")
    for entry in (an_entry(contact=JO, notes="Hi", window_start=NOW), an_entry(1), of_an_event):
        await entries.insert(conn, entry)
        found = await entries.fetch(conn, STAFF, entry.id)
        assert found is not None
        assert found.entry == entry
        changed = replace(
            entry, party_size=9, contact=Contact(phone="+49 30 1"), status=Status.CONVERTED, booking_id="bk"
        )
        await entries.update(conn, changed)
        found = await entries.fetch(conn, STAFF, entry.id, lock=True)
        assert found is not None
        assert (found.entry, found.position) == (changed, None)


async def test_places_are_those_of_the_rules_order(conn: Connection) -> None:
    chance = random.Random(7)
    queues = [queue_of("loc_1", DAY, None), queue_of("loc_1", DAY + timedelta(days=1), None)]
    every = [
        an_entry(
            number,
            queue=chance.choice(queues),
            priority=chance.choice([-1, 0, 0, 0, 5]),
            joined_at=NOW + timedelta(seconds=chance.randrange(20)),
            status=chance.choice(list(Status)),
        )
        for number in range(200)
    ]
    for entry in every:
        await entries.insert(conn, entry)
    page = await entries.page(conn, STAFF, EntryFilter(), Page(1, 1000))
    assert [placed.entry for placed in page.items] == sorted(every, key=lambda entry: entry.turn)
    for placed in page.items:
        ahead = [
            one
            for one in every
            if one.queue == placed.entry.queue and one.status in LIVE and one.turn < placed.entry.turn
        ]
        assert placed.position == (1 + len(ahead) if placed.entry.is_live else None)


@pytest.mark.parametrize("status", list(Status))
async def test_a_guest_waits_once_in_a_queue_while_it_waits(conn: Connection, status: Status) -> None:
    await entries.insert(conn, an_entry(status=status))
    again = an_entry(contact=JO)
    if status in LIVE:
        with pytest.raises(AlreadyWaitingError):
            await entries.insert(conn, again)
    else:
        await entries.insert(conn, again)
    await entries.insert(conn, an_entry(queue="other"))
    await entries.insert(conn, an_entry(org_id="org_2"))


@pytest.mark.parametrize(
    ("contact", "same"),
    [
        (Contact(email="jo@example.com"), True),
        (Contact(email="JO@Example.com", phone="1111"), True),
        (Contact(phone="+49-30 1234"), True),
        (Contact(phone="4930 123 4"), True),
        (Contact(email="jo@example.org", phone="+49 30 12345"), False),
    ],
)
async def test_who_is_no_client_is_told_apart_by_email_and_digits(
    conn: Connection, contact: Contact, same: bool
) -> None:
    await entries.insert(conn, an_entry(client_id=None, contact=Contact("Jo", "jo@example.com", "+49 (30) 1234")))
    other = an_entry(client_id=None, contact=contact)
    if same:
        with pytest.raises(AlreadyWaitingError):
            await entries.insert(conn, other)
    else:
        await entries.insert(conn, other)
    await entries.insert(conn, an_entry(contact=contact))  # a client is told apart by its id


@pytest.mark.parametrize(
    "impossible",
    [
        {"event_instance_id": "inst_1"},
        {"location_id": None, "requested_date": None},
        {"requested_date": None},
        {"client_id": None},
        {"party_size": 0},
        {"initiator": "robot"},
    ],
)
async def test_the_database_refuses_what_is_no_entry(conn: Connection, impossible: dict[str, Any]) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await entries.insert(conn, an_entry(**impossible))


async def test_a_place_is_found_without_a_look_at_other_queues(conn: Connection) -> None:
    """A queue of one date must not slow down with those of others."""
    entry = an_entry()
    await entries.insert(conn, entry)
    await conn.execute(
        "INSERT INTO entries (id, org_id, queue, location_id, requested_date, client_id, party_size, priority,"
        " initiator, status, joined_at, updated_at, version, sequence, last_event_id)"
        " SELECT 'wle_' || n, 'org_1', 'loc_1/' || n % 100, 'loc_1', '2027-01-01'::date + n % 100, 'cli_' || n, 1,"
        " 0, 'staff', 'waiting', now(), now(), 1, 1, 'evt_1' FROM generate_series(1, 20000) n"
    )
    await conn.execute("ANALYZE entries")
    async with conn.transaction():
        found = await entries.fetch(conn, STAFF, entry.id)
        (read,) = await conn.fetch("SELECT * FROM pg_stat_xact_user_tables WHERE relname = 'entries'")
    assert read["seq_scan"] == 0
    assert 0 < read["idx_tup_fetch"] < 100
    assert found is not None
    assert found.position == 1


async def test_a_client_finds_its_own_alone(conn: Connection) -> None:
    mine, other = an_entry(1), an_entry(2)
    for entry in (mine, other):
        await entries.insert(conn, entry)
    ada = Actor("org_1", "client", "cli_1")
    assert await entries.fetch(conn, ada, mine.id) is not None
    assert await entries.fetch(conn, ada, other.id) is None
    assert await entries.fetch(conn, ada, other.id, lock=True) is None
    page = await entries.page(conn, ada, EntryFilter(), Page(1, 10))
    assert ([placed.entry.id for placed in page.items], page.total) == ([mine.id], 1)
