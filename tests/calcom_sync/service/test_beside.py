"""What has thousands of attendees is compared and told beside all else that the process does."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from calcom_sync.client import Account
from calcom_sync.domain.row import PEOPLE
from calcom_sync.domain.run import RunKind
from calcom_sync.service.deciding import Deciding
from calcom_sync.service.reading import Reading
from calcom_sync.service.runs import queued
from calcom_sync.service.telling import Telling
from calcom_sync.service.tools import Source, Tools
from chassis.postgres import Database
from chassis.unit import UnitOfWork
from slotwire_contracts import CalcomBooking, FoundBy
from support.calcom_bookings import ADA, a_snapshot
from support.calcom_desk import IDS, ORG, STORE, CalcomDesk, calcom_desk
from support.calcom_rows import attendee, chain, row
from support.loads import Work, beside

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CHAINS = [f"u{number}" for number in range(20)]


@pytest.fixture
async def desk(alone: Database) -> AsyncIterator[CalcomDesk]:
    async with calcom_desk(alone) as opened:
        yield opened


def crowded(chain_id: str, **fields: Any) -> CalcomBooking:
    """A snapshot of a booking that has as many attendees as one may have."""
    crowd = [{**ADA, "email": f"{number}@guest.example"} for number in range(PEOPLE)]
    return a_snapshot(chain_id, "sch_a", attendees=crowd, **fields)


async def tell(desk: CalcomDesk, **fields: Any) -> Work:
    """Tell of all chains; answers what work that was."""
    units, found = UnitOfWork(desk.database, lambda: None), [crowded(chain_id, **fields) for chain_id in CHAINS]
    with beside() as work:
        async with units.begin() as unit:
            told = await Telling(desk.now, IDS).tell(unit, ORG, found, by=FoundBy.SYNC, run_id=None)
    assert len(told) == len(CHAINS)
    return work


async def test_telling(desk: CalcomDesk) -> None:
    for title in ("New", "Other"):
        work = await tell(desk, title=title)
        assert work.here < work.beside / 2, title


async def test_deciding(desk: CalcomDesk) -> None:
    await tell(desk)
    run = queued(IDS, NOW, ORG, RunKind.RECONCILE)
    async with desk.database.connection() as conn:
        integration = await STORE.fetch(conn, ORG)
    assert integration is not None
    tools = Tools(
        UnitOfWork(desk.database, lambda: None), desk.database, Telling(desk.now, IDS), desk.now, IDS, desk.bounds
    )
    source = Source(desk.client.of(Account.of(integration)), integration, "1 at there", None)
    deciding = Deciding(tools, run, source, Reading(tools, run, source))
    people = tuple(attendee(f"Ada{number}") for number in range(PEOPLE))
    whole = [chain(row(chain_id, desk.now() + timedelta(days=1), attendees=people)) for chain_id in CHAINS]
    with beside() as work:
        decided = await deciding.decided(whole)
    assert len(decided) == len(CHAINS)
    assert work.here < work.beside / 2
