"""Which chains are to be read by themselves, from the tables."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from calcom_sync.domain.changes import fingerprint
from calcom_sync.domain.counting import Outcome
from calcom_sync.domain.window import Window
from calcom_sync.store import chains, rereading
from calcom_sync.store.chains import Known
from calcom_sync.store.rereading import Asker, Some
from chassis.postgres import Connection, Database
from slotwire_contracts import CalcomBooking
from support.calcom_bookings import a_snapshot

ORG, ACCOUNT = "org_a", "1 at there"
NOW = datetime(2030, 1, 1, tzinfo=UTC)
CHAINS = [f"u{number:02}" for number in range(12)]
PAUSED = "u07"

Tell = Callable[[Connection, Asker, Some], Awaitable[list[CalcomBooking]]]


async def missing(conn: Connection, asker: Asker, some: Some) -> list[CalcomBooking]:
    return await rereading.missing(conn, asker, some, Window(), "deleted")


async def ended(conn: Connection, asker: Asker, some: Some) -> list[CalcomBooking]:
    return await rereading.ended(conn, asker, some, NOW + timedelta(days=36_500))


async def known(conn: Connection) -> None:
    """Have some chains known, of which one is to be left alone for a minute."""
    snapshots = [a_snapshot(chain_id, "sch_a") for chain_id in CHAINS]
    await chains.insert(conn, ORG, [Known(one, 1, f"evt_{one.uid}", fingerprint(one)) for one in snapshots])
    await chains.claim(conn, ORG, CHAINS, ACCOUNT)
    await chains.note_untaken(conn, ORG, {PAUSED: Outcome.UNREADABLE}, NOW)


async def in_parts(conn: Connection, tell: Tell, due_by: datetime | None) -> list[list[str]]:
    """All that are told, five at a time."""
    parts, after = [], ""
    while found := await tell(conn, Asker(ORG, "run_1", ACCOUNT, due_by), Some(after, 5)):
        parts.append([one.chain_id for one in found])
        after = found[-1].chain_id
    return parts


@pytest.mark.parametrize("tell", [missing, ended])
async def test_they_are_told_some_at_a_time(alone: Database, tell: Tell) -> None:
    async with alone.transaction() as conn:
        await known(conn)
        assert await in_parts(conn, tell, None) == [CHAINS[:5], CHAINS[5:10], CHAINS[10:]]


@pytest.mark.parametrize("tell", [missing, ended])
async def test_what_is_left_alone_is_told_when_it_is_due(alone: Database, tell: Tell) -> None:
    others = [chain_id for chain_id in CHAINS if chain_id != PAUSED]
    async with alone.transaction() as conn:
        await known(conn)
        for seconds, expected in ((59, others), (60, CHAINS)):
            told = await in_parts(conn, tell, NOW + timedelta(seconds=seconds))
            assert [chain_id for part in told for chain_id in part] == expected


async def test_what_is_owed_is_owed_to_its_account_when_it_is_due(alone: Database) -> None:
    async with alone.transaction() as conn:
        await known(conn)
        due = NOW + timedelta(minutes=1)
        assert not await rereading.owes(conn, ORG, ACCOUNT, due - timedelta(seconds=1))
        assert await rereading.owes(conn, ORG, ACCOUNT, due)
        assert not await rereading.owes(conn, ORG, "2 at there", due)
