"""A booking is written with its claim, its history and its messages, or nothing of it is."""

from dataclasses import replace

import asyncpg
import pytest

from booking.domain.occupancy import Claim
from booking.store import bookings
from booking.store.bookings import Record
from booking.store.history import Entry
from chassis.ids import new_id
from chassis.outbox import OutboxMessage
from chassis.postgres import Database
from support.booking_values import NOW, a_booking

FIRST, SECOND, THIRD, FOURTH, FIFTH = range(400_000_001, 400_000_006)
TRACES = ("bookings WHERE id = $1", "occupancy WHERE booking_id = $1", "history WHERE booking_id = $1")


def a_record(*resource_nos: int) -> Record:
    """A new booking that claims resources; the running relay would publish a message, so it has none."""
    booking_id, event_id = new_id("bk"), new_id("evt")
    booking = a_booking(id=booking_id, last_event_id=event_id)
    entry = Entry(event_id, 1, "reservation.created", NOW, {})
    return Record(booking, Claim(resource_nos, booking.span), "staff", [entry], [])


async def traces(db: Database, record: Record) -> list[int]:
    """Count what there is of a record: its booking, its claims, its history and its messages."""
    async with db.connection() as conn:
        found = [await conn.fetchval(f"SELECT count(*) FROM {trace}", record.booking.id) for trace in TRACES]
        return [*found, await conn.fetchval("SELECT count(*) FROM outbox WHERE key = $1", record.booking.id.encode())]


async def test_of_a_claim_that_is_partly_taken_nothing_is_left(db: Database) -> None:
    held, late, beside = a_record(SECOND), a_record(FIRST, SECOND, THIRD), a_record(FIRST, THIRD)
    message = OutboxMessage("evt_1", "booking.events", late.booking.id.encode(), b"{}")
    async with db.connection() as conn:
        await bookings.insert(conn, held)
        with pytest.raises(asyncpg.ExclusionViolationError):
            await bookings.insert(conn, replace(late, messages=[message]))
        assert await traces(db, late) == [0, 0, 0, 0]
        await bookings.insert(conn, beside)
    assert await traces(db, beside) == [1, 2, 1, 0]


async def test_a_change_that_claims_what_is_taken_leaves_the_booking_as_it_was(db: Database) -> None:
    held, moving = a_record(FOURTH), a_record(FIFTH)
    moved = Record(replace(moving.booking, title="Moved"), held.claim, "staff", [], [])
    async with db.connection() as conn:
        await bookings.insert(conn, held)
        await bookings.insert(conn, moving)
        with pytest.raises(asyncpg.ExclusionViolationError):
            await bookings.update(conn, moved)
        assert await conn.fetchval("SELECT title FROM bookings WHERE id = $1", moving.booking.id) is None
    assert await traces(db, moving) == [1, 1, 1, 0]
