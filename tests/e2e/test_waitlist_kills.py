"""The waitlist's and booking's own processes are killed with -9 between any two steps of an offer and of a booking.

Architecture, section 6: «A crash between any two steps resumes from the stored state.» I8: «a live offer always has a
live hold». What must be when all has ended is told in `support.waitlist_sagas`.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from support.moments import held
from support.servers import running_servers
from support.waiting import eventually
from support.waitlist_processes import Processes, running_processes
from support.waitlist_sagas import Kind, Saga, a_saga

pytestmark = pytest.mark.timeout(180)

LEAD = """
SELECT objid::bigint FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE datname = current_database() AND locktype = 'advisory' AND classid = 0 AND granted
"""
"""The lock by which a process publishes alone."""

KINDS: Sequence[Kind] = ("offer", "spot", "convert", "book", "auto_convert", "decline", "remove")


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Processes]:
    """Both on servers of their own, so that nobody else goes on with what they leave."""
    with running_servers() as servers:
        async with running_processes(servers, tmp_path_factory.mktemp("logs")) as both:
            yield both


async def stopped(running: Processes, *, answered: Sequence[bool], kinds: Sequence[Kind] = KINDS) -> list[Saga]:
    """Bring one of each kind to its call to booking, where it stands still."""
    cases = [(kind, one) for kind in kinds for one in answered]
    sagas = await asyncio.gather(*(a_saga(running, kind) for kind, _ in cases))
    for saga, (_, when) in zip(sagas, cases, strict=True):
        saga.stopped(answered=when)
    await asyncio.gather(*(saga.begin() for saga in sagas))
    await asyncio.gather(*(saga.met() for saga in sagas))
    return sagas


async def all_end(sagas: Sequence[Saga]) -> None:
    """Wait until all have ended well, and have what they are about booked."""
    await asyncio.gather(*(saga.ends() for saga in sagas))
    await asyncio.gather(*(saga.finish() for saga in sagas))
    await asyncio.gather(*(saga.doing for saga in sagas if saga.doing is not None))


async def test_the_waitlist_is_killed_at_every_call_to_booking(running: Processes) -> None:
    """Of half of the calls booking never hears, of the others the waitlist never hears the answer."""
    sagas = await stopped(running, answered=(False, True))
    await asyncio.to_thread(running.waitlist.kill)
    await running.start(running.waitlist)
    await all_end(sagas)


async def test_booking_is_killed_at_every_call_from_the_waitlist(running: Processes) -> None:
    sagas = await stopped(running, answered=(False, True))
    await asyncio.to_thread(running.booking.kill)
    for saga in sagas:
        saga.let_go(cut=True)
    await running.start(running.booking)
    await all_end(sagas)


async def test_booking_is_killed_in_the_middle_of_what_it_was_asked_to_write(running: Processes) -> None:
    sagas = await stopped(running, answered=[False])
    async with held(running.at_booking, "LOCK TABLE holds IN SHARE MODE") as hold:
        for saga in sagas:
            saga.let_go()
        await hold.meet(running.booking, sessions=len(sagas))
        await asyncio.to_thread(running.booking.kill)
    await running.start(running.booking)
    await all_end(sagas)


async def test_the_waitlist_is_killed_in_the_middle_of_writing_what_booking_answered(running: Processes) -> None:
    sagas = await stopped(running, answered=[True])
    async with held(running.database, "LOCK TABLE offers, entries IN SHARE MODE") as hold:
        for saga in sagas:
            saga.let_go()
        await hold.meet(running.waitlist, sessions=len(sagas))
        await asyncio.to_thread(running.waitlist.kill)
    await running.start(running.waitlist)
    await all_end(sagas)


async def test_the_waitlist_is_killed_before_what_it_committed_is_published(running: Processes) -> None:
    """An offer is live, or a booking made, and nobody has been told: another one publishes it."""
    sagas = [await a_saga(running, kind) for kind in KINDS]
    async with running.database.connection() as conn:
        (lead,) = [row["objid"] for row in await conn.fetch(LEAD)]
    await asyncio.to_thread(running.waitlist.kill)
    async with held(running.database, "SELECT pg_advisory_xact_lock($1)", lead):  # it never gets to publish
        await running.start(running.waitlist)
        for saga in sagas:
            await saga.begin()
        for saga in sagas:
            await eventually(saga.has_ended)
        await asyncio.to_thread(running.waitlist.kill)
    await running.start(running.waitlist)
    for saga in sagas:
        await saga.finish()
