"""What is found is told once, with all that differs, in the transaction that stores it."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from calcom_sync.domain.snapshots import SNAPSHOT_BYTES
from calcom_sync.service.telling import Telling
from chassis import outbox
from chassis.ids import Ids, new_id, next_id
from chassis.postgres import Database
from chassis.unit import UnitOfWork
from slotwire_contracts import CALCOM_BOOKINGS, CalcomBooking, CalcomBookingObserved, FoundBy, decode
from support.calcom_bookings import a_snapshot

ORG = "org_a"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Teller:
    """Tells, and counts how often the relay was woken."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.woken = 0
        self.units = UnitOfWork(db, self._wake)
        self.telling = Telling(lambda: NOW, Ids(new_id, next_id))

    def _wake(self) -> None:
        self.woken += 1

    async def tell(self, *found: CalcomBooking, run_id: str | None = "run_1", org_id: str = ORG) -> dict[str, str]:
        async with self.units.begin() as unit:
            return await self.telling.tell(unit, org_id, found, by=FoundBy.SYNC, run_id=run_id)

    async def outbox(self) -> list[CalcomBookingObserved]:
        """What waits to be published, in its order."""
        async with self.db.connection() as conn:
            rows = await conn.fetch("SELECT topic, key, value FROM outbox ORDER BY id")
        events = [decode(row["value"]) for row in rows]
        assert {row["topic"] for row in rows} <= {CALCOM_BOOKINGS.name}
        assert [row["key"].decode() for row in rows] == [event.subject for event in events]
        return [event for event in events if isinstance(event, CalcomBookingObserved)]


@pytest.fixture
def teller(alone: Database) -> Teller:
    return Teller(alone)


def found(chain_id: str = "u1", **fields: Any) -> CalcomBooking:
    return a_snapshot(chain_id, "sch_a", **fields)


async def test_what_is_new_is_told_and_what_is_the_same_is_not(teller: Teller) -> None:
    told = await teller.tell(found("u1"), found("v1"))
    events = await teller.outbox()
    assert told == {event.subject: event.id for event in events}
    assert [(event.sequence, event.orgid, event.actor, event.time) for event in events] == [(1, ORG, "calcom", NOW)] * 2
    assert {event.data.resource.uid for event in events} == {"u1", "v1"}
    assert [event.data.change.model_dump(mode="json") for event in events] == [
        {"found_by": "sync", "run_id": "run_1", "changed": []}
    ] * 2
    assert await teller.tell(found("u1"), found("v1"), run_id="run_2") == {}
    assert (len(await teller.outbox()), teller.woken) == (2, 1)


async def test_what_differs_is_named_and_numbered_without_a_gap(teller: Teller) -> None:
    await teller.tell(found())
    await teller.tell(found(title="Other", status="CANCELLED"))
    await teller.tell(found(title="Other", status="CANCELLED"))
    await teller.tell(found(title="Other", uid="u2", uids=["u1", "u2"]))
    events = await teller.outbox()
    assert [event.sequence for event in events] == [1, 2, 3]
    assert [set(event.data.change.changed) for event in events] == [
        set(),
        {"title", "status"},
        {"status", "uid", "uids"},
    ]
    assert [event.id for event in events] == sorted(event.id for event in events)
    assert {event.subject for event in events} == {"u1"}


async def test_that_cal_com_touched_it_is_no_news(teller: Teller) -> None:
    await teller.tell(found(updated_at=NOW))
    assert await teller.tell(found(updated_at=NOW.replace(hour=13))) == {}


async def test_nothing_is_told_of_a_transaction_that_fails(teller: Teller) -> None:
    with pytest.raises(RuntimeError):
        async with teller.units.begin() as unit:
            await teller.telling.tell(unit, ORG, [found()], by=FoundBy.SYNC, run_id=None)
            raise RuntimeError
    assert (await teller.outbox(), teller.woken) == ([], 0)
    assert set(await teller.tell(found())) == {"u1"}


async def test_two_at_once_tell_a_difference_once(teller: Teller) -> None:
    await teller.tell(found())
    told = await asyncio.gather(*(teller.tell(found(title="Other")) for _ in range(5)))
    assert sorted(len(one) for one in told) == [0, 0, 0, 0, 1]
    assert [event.sequence for event in await teller.outbox()] == [1, 2]


async def test_organizations_are_told_apart(teller: Teller) -> None:
    await teller.tell(found(title="Mine"))
    await teller.tell(found(title="Theirs"), org_id="org_b")
    assert [(event.orgid, event.sequence) for event in await teller.outbox()] == [("org_a", 1), ("org_b", 1)]


async def test_the_largest_snapshot_fits_into_a_record(teller: Teller) -> None:
    """Though every field has changed, and all that can stand beside it does."""
    await teller.tell(found())
    other: dict[str, Any] = {
        "title": "Other",
        "location": "There",
        "status": "CANCELLED",
        "party_size": 2,
        "host": None,
    }
    size = len(found(**other, description="").model_dump_json().encode())
    largest = found(**other, description="d" * (SNAPSHOT_BYTES - size))
    assert len(largest.model_dump_json().encode()) == SNAPSHOT_BYTES
    await teller.tell(largest, run_id=new_id("run"), org_id="org_" + "a" * 60)
    await teller.tell(largest, run_id=new_id("run"))
    async with teller.db.connection() as conn:
        sizes = [row["size"] for row in await conn.fetch("SELECT length(key) + length(value) AS size FROM outbox")]
    assert SNAPSHOT_BYTES < max(sizes) < outbox.room(CALCOM_BOOKINGS) - 16 * 1024
