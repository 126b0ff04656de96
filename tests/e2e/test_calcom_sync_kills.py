"""Cal.com sync's and booking's own processes are killed with -9 in the middle of a sync: the next one completes it.

The issue of Cal.com sync: «kill -9 of calcom-sync or booking in mid-run: the next run completes it, nothing doubled.»
I1, I2 and I3: what is told of a page and where the walk goes on commit together; what was committed is published; an
effect and its inbox row commit together, before the offset.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from chassis import outbox
from slotwire_contracts import BOOKING_EVENTS, CALCOM_BOOKINGS, CALCOM_RESULTS, AnyEvent, decode
from support.calcom import fates
from support.calcom_processes import Office, Processes, running_processes
from support.moments import held
from support.servers import running_servers
from support.topics import read_topic
from support.waiting import eventually

pytestmark = pytest.mark.timeout(240)

PAGE = 10  # rows; the life below has three pages of them, whichever way they are asked for
WHENEVER = {"startDate": "1970-01-01", "endDate": "2199-12-31"}
STATUSES = {"accepted": "CONFIRMED", "cancelled": "CANCELLED"}
ANSWERS = "SELECT count(*) FROM run_items AS i JOIN runs AS r ON r.id = i.run_id WHERE r.org_id = $1 AND outcome IS {}"


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Processes]:
    """Both on servers of their own, so that nobody else goes on with what they leave."""
    with running_servers() as servers:
        async with running_processes(servers, tmp_path_factory.mktemp("logs")) as both:
            yield both


def on_day(day: float) -> datetime:
    """A time to come, on the hour."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=day)


@dataclass
class Case:
    """A sync of an organization in which much has happened since the one before.

    Attributes:
        told: by the uid that an appointment began with, what is to be told of it.
        changed: how many appointments differ.
        asking: the request that is under way.
    """

    name: str
    office: Office
    told: dict[str, list[str]]
    changed: int
    asking: "asyncio.Task[Any] | None" = None

    def ask(self) -> None:
        """Ask for the sync, of a time, so that all of it is read."""
        self.asking = asyncio.create_task(self.office.sync(**WHENEVER))

    async def is_cut(self) -> None:
        """See that who asked is told that nobody answers."""
        assert self.asking is not None
        answer = await self.asking
        assert (answer.status, answer.code) == (502, "bad_gateway"), (self.name, answer.body)

    async def is_answered(self) -> None:
        """See that who asked is told what was done."""
        assert self.asking is not None
        answer = await self.asking
        assert answer.status == 200, (self.name, answer.body)
        assert answer.body["synced"] == self.changed, (self.name, answer.body)

    async def proves(self, running: Processes) -> None:
        """See that the next sync has nothing to do, that all counts add up, and that everything was told once."""
        await eventually(self.is_settled)
        broken = (await self.office.runs())[1]
        again = await self.office.sync(**WHENEVER)
        rows = len(self.office.life.rows())
        assert again.status == 200, (self.name, again.body)
        assert (again.body["synced"], again.body["failed"], again.body["fetched"]) == (0, 0, rows), self.name
        for run in await self.office.runs():
            assert run["status"] == "completed", (self.name, run)
            assert (run["unanswered"], run["synced"] + run["skipped"] + run["failed"]) == (0, run["fetched"]), self.name
        assert (broken["synced"], broken["fetched"]) == (self.changed, rows), (self.name, broken)
        await self.is_as_cal_com_has_it(running)

    async def is_settled(self) -> bool:
        """Tell whether no run is under way, and nothing is unanswered."""
        runs = await self.office.runs()
        return all(run["status"] in {"completed", "failed"} and not run["unanswered"] for run in runs)

    async def is_as_cal_com_has_it(self, running: Processes) -> None:
        """See that there is one booking of each appointment, as it is, and that each of its changes was told once."""
        truth, bookings = fates(self.office.life), await self.office.listed()
        now = {fate.booking.uid: (fate.booking.start, STATUSES[fate.booking.status]) for fate in truth.values()}
        ours = {b["external"]["uid"]: (datetime.fromisoformat(b["start_time"]), b["status"]) for b in bookings}
        assert (len(bookings), ours) == (len(truth), now), self.name
        begun_with = {fate.booking.uid: chain for chain, fate in truth.items()}
        published = await events(running, BOOKING_EVENTS.name, self.office)
        for booking in bookings:
            feed = await self.office.feed(booking["id"])
            wanted = self.told[begun_with[booking["external"]["uid"]]]
            assert [one["type"] for one in feed] == wanted, self.name
            assert [one["id"] for one in feed] == [one.id for one in published[booking["id"]]], self.name
        observed = await events(running, CALCOM_BOOKINGS.name, self.office)
        assert {chain: len(told) for chain, told in observed.items()} == {
            chain: len(told) for chain, told in self.told.items()
        }, self.name
        answered = await events(running, CALCOM_RESULTS.name, self.office)
        assert {chain: [one.causationid for one in told] for chain, told in answered.items()} == {
            chain: [one.id for one in told] for chain, told in observed.items()
        }, self.name
        for told in (*published.values(), *observed.values(), *answered.values()):
            assert [one.sequence for one in told] == [*range(1, len(told) + 1)], self.name


async def events(running: Processes, topic: str, office: Office) -> dict[str, list[AnyEvent]]:
    """An organization's events by what they are of, each id once."""
    found: dict[str, dict[str, AnyEvent]] = {}
    for record in await read_topic(running.servers.kafka_bootstrap, topic):
        event = decode(record.value)
        if event.orgid == office.admin.org_id:
            found.setdefault(event.subject, {})[event.id] = event
    return {subject: list(told.values()) for subject, told in found.items()}


@asynccontextmanager
async def a_case(running: Processes, name: str, **terms: Any) -> AsyncIterator[Case]:
    """An organization with a first sync behind it, and since then of each kind of change one on every page."""
    async with running.office(**terms) as office:
        office.calcom.defects.short_pages = PAGE
        life, told = office.life, dict[str, list[str]]()
        booked = [life.create(on_day(1 + number // 2)) for number in range(22)]  # always two at the same time
        weekly = life.create_series([on_day(2.5), on_day(9.5)])
        first = await office.sync()
        assert (first.status, first.body["synced"]) == (200, len(booked) + len(weekly)), first.body
        life.advance(hours=1)
        told |= {uid: ["reservation.created"] for uid in (*booked, *weekly)}
        for uid, day in ((booked[2], 10.5), (booked[20], 1.5), (weekly[0], 11.5)):  # onwards, back, and a nameless move
            life.reschedule(uid, on_day(day))
            told[uid] += ["reservation.updated"]
        for uid in (booked[0], booked[10], booked[21]):
            life.cancel(uid, "Ill")
            told[uid] += ["reservation.cancelled"]
        told |= {life.create(on_day(day)): ["reservation.created"] for day in (3.5, 6.5, 12.5)}
        yield Case(name, office, told, changed=9)


@asynccontextmanager
async def cases(running: Processes, *names: str, **terms: Any) -> AsyncIterator[list[Case]]:
    """Several of them, each stopped where its name says."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(a_case(running, name, **terms)) for name in names]


async def killed(running: Processes, process: str) -> None:
    """Kill one of the two, and start it again."""
    one = running.calcom if process == "calcom" else running.booking
    await asyncio.to_thread(one.kill)
    await running.start(one)


async def counted(running: Processes, office: Office, what: str) -> int:
    """Count what runs told, answered or not."""
    async with running.database.connection() as conn:
        return int(await conn.fetchval(ANSWERS.format(what), office.admin.org_id))


STOPS = {
    "before anything is known": ("/v2/me", 0),
    "before the first page": ("/v2/bookings", 0),
    "between pages": ("/v2/bookings", 1),
    "before the last page": ("/v2/bookings", 2),
    "while what a row names is read": ("/v2/bookings/", 0),
}


@pytest.mark.parametrize("pagination", ["offset", "cursor"])
async def test_the_sync_is_killed_at_any_request_to_cal_com(running: Processes, pagination: str) -> None:
    version = {"offset": "2024-08-13", "cursor": "2026-05-01"}[pagination]
    async with cases(running, *STOPS, pagination=pagination, api_version=version) as all_of_them:
        halts = [case.office.calcom.halt(path, passing=passing) for case, (path, passing) in _stopped(all_of_them)]
        for case in all_of_them:
            case.ask()
        await asyncio.gather(*(halt.met() for halt in halts))
        await killed(running, "calcom")
        await asyncio.gather(*(case.is_cut() for case in all_of_them))
        await asyncio.gather(*(case.proves(running) for case in all_of_them))


def _stopped(found: list[Case]) -> list[tuple[Case, tuple[str, int]]]:
    return [(case, STOPS[case.name]) for case in found]


async def test_the_sync_is_killed_while_it_writes_a_page(running: Processes) -> None:
    async with a_case(running, "in the transaction") as case:
        async with held(running.database, "LOCK TABLE run_items IN SHARE MODE") as hold:
            case.ask()
            await hold.meet(running.calcom)
            await asyncio.to_thread(running.calcom.kill)
        await running.start(running.calcom)
        await case.is_cut()
        await case.proves(running)


async def test_the_sync_is_killed_before_what_it_committed_is_published(running: Processes) -> None:
    async with a_case(running, "committed") as case:
        await asyncio.to_thread(running.calcom.kill)
        async with held(running.database, "SELECT pg_advisory_xact_lock($1)", outbox._LOCK):  # it never publishes
            await running.start(running.calcom)
            case.ask()
            await eventually(partial(_waits, running, case))
            await asyncio.to_thread(running.calcom.kill)
        await running.start(running.calcom)
        await case.is_cut()
        await case.proves(running)


async def test_the_sync_is_killed_before_booking_has_answered(running: Processes) -> None:
    async with a_case(running, "unanswered") as case:
        async with held(running.at_booking, "LOCK TABLE external_bookings IN SHARE MODE") as hold:
            case.ask()
            await hold.meet(running.booking)
            await eventually(partial(_waits, running, case))
            await killed(running, "calcom")
            await case.is_cut()
        await case.proves(running)


async def _waits(running: Processes, case: Case) -> bool:
    """Tell whether all is read and told, and booking has yet to answer."""
    return (await case.office.runs())[-1]["status"] == "completed" and bool(
        await counted(running, case.office, "NULL") == case.changed
    )


async def test_the_sync_is_killed_while_it_notes_what_booking_answered(running: Processes) -> None:
    async with a_case(running, "answers") as case:
        async with held(running.database, "LOCK TABLE inbox IN SHARE MODE") as hold:
            case.ask()
            await hold.meet(running.calcom)
            await asyncio.to_thread(running.calcom.kill)
        await running.start(running.calcom)
        await case.is_cut()
        await case.proves(running)


async def test_booking_is_killed_while_it_applies_what_was_found(running: Processes) -> None:
    async with a_case(running, "in the transaction") as case:
        async with held(running.at_booking, "LOCK TABLE external_bookings IN SHARE MODE") as hold:
            case.ask()
            await hold.meet(running.booking)
            await asyncio.to_thread(running.booking.kill)
        await running.start(running.booking)
        await case.is_answered()
        await case.proves(running)


async def test_booking_is_killed_when_it_has_committed_and_the_broker_does_not_know(running: Processes) -> None:
    async with a_case(running, "before the offset") as case:
        async with held(running.at_booking, "LOCK TABLE external_bookings IN SHARE MODE") as hold:
            case.ask()
            await hold.meet(running.booking)
            os.kill(running.servers.kafka.pid, signal.SIGSTOP)
        try:
            await eventually(partial(_is_applied, running, case))
            await asyncio.to_thread(running.booking.kill)
        finally:
            os.kill(running.servers.kafka.pid, signal.SIGCONT)
        await running.start(running.booking)
        await case.is_answered()
        await case.proves(running)


async def _is_applied(running: Processes, case: Case) -> bool:
    """Tell whether anything of the sync is in bookings."""
    first = 24  # bookings
    async with running.at_booking.connection() as conn:
        found = await conn.fetchval(
            "SELECT sum(sequence) FROM external_bookings WHERE org_id = $1", case.office.admin.org_id
        )
    return int(found) > first


async def test_booking_is_killed_before_its_answers_are_published(running: Processes) -> None:
    async with a_case(running, "unpublished") as case:
        await asyncio.to_thread(running.booking.kill)
        async with held(running.at_booking, "SELECT pg_advisory_xact_lock($1)", outbox._LOCK):  # it never publishes
            await running.start(running.booking)
            case.ask()
            await eventually(partial(_is_applied, running, case))
            await asyncio.to_thread(running.booking.kill)
        await running.start(running.booking)
        await case.is_answered()
        await case.proves(running)
