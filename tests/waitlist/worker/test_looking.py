"""The worker: what is due is looked at, at once, by one at a time, until it has gone well."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chassis.backoff import Backoff
from chassis.ids import new_id
from chassis.lifecycle import Loop, background
from chassis.postgres import Database
from support.programs import running_program
from support.waiting import eventually
from support.waiting_entries import an_org, marked, marks
from waitlist.store import queues
from waitlist.worker import Look, Worker

TESTS = Path(__file__).parents[2]
QUICK = Backoff(base=0.2, cap=0.2, jitter=0.0)


@dataclass
class Recorder:
    """Looks that are counted, and that a test may hold up or let fail."""

    looks: Counter[str] = field(default_factory=Counter)
    under_way: Counter[str] = field(default_factory=Counter)
    most: int = 0
    failing: set[str] = field(default_factory=set)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def look(self, _: str, queue: str) -> None:
        self.looks[queue] += 1
        self.under_way[queue] += 1
        self.most = max(self.most, self.under_way.total())
        try:
            await self.gate.wait()
            if queue in self.failing:
                raise LookupError(queue)
        finally:
            self.under_way[queue] -= 1

    async def looked(self, queue: str, times: int = 1, *, within: float = 10) -> None:
        async def enough() -> bool:
            return self.looks[queue] >= times

        await eventually(enough, within=within)


@asynccontextmanager
async def working(
    database: Database, look: Look, *, at_once: int = 4, lease: float = 30.0, drain: float = 10.0
) -> AsyncIterator[Worker]:
    worker = Worker(database, look, at_once=at_once, lease=lease, new_id=new_id, backoff=QUICK)
    async with background(Loop("worker", worker.run), drain_seconds=drain):
        yield worker


async def mark(database: Database, org: str, *names: str, wake: Callable[[], None] | None = None) -> None:
    async with database.connection() as conn:
        for name in names:
            await queues.mark(conn, org, name)
    if wake is not None:
        wake()


async def all_done(database: Database, org: str) -> None:
    async def none_left() -> bool:
        return not await marked(database, org)

    await eventually(none_left, within=10)


async def test_a_mark_made_in_this_process_is_looked_at_at_once(alone: Database) -> None:
    org, recorder = an_org(), Recorder()
    waits = []
    async with working(alone, recorder.look) as worker:
        await mark(alone, org, "warm", wake=worker.wake)
        await recorder.looked("warm")
        for number in range(5):
            began = asyncio.get_running_loop().time()
            await mark(alone, org, f"q{number}", wake=worker.wake)
            await recorder.looked(f"q{number}")
            waits.append(asyncio.get_running_loop().time() - began)
        await all_done(alone, org)
    assert min(waits) < 0.25  # a poll would be a second


async def test_one_made_elsewhere_is_looked_at_in_its_time(alone: Database) -> None:
    org, recorder = an_org(), Recorder()
    async with working(alone, recorder.look):
        await mark(alone, org, "elsewhere")
        await recorder.looked("elsewhere", within=5)
        await all_done(alone, org)


async def test_no_more_looks_than_allowed_are_under_way_and_none_is_left_out(alone: Database) -> None:
    org, recorder = an_org(), Recorder()
    recorder.gate.clear()
    names = [f"q{number}" for number in range(10)]
    async with working(alone, recorder.look, at_once=3) as worker:
        await mark(alone, org, *names, wake=worker.wake)
        await asyncio.sleep(0.5)
        assert recorder.under_way.total() == 3
        recorder.gate.set()
        await all_done(alone, org)
    assert recorder.most == 3
    assert recorder.looks == Counter(names)


async def test_a_queue_that_fails_rests_and_holds_up_no_other(alone: Database) -> None:
    org, recorder = an_org(), Recorder(failing={"bad"})
    async with working(alone, recorder.look, at_once=1) as worker:
        await mark(alone, org, "bad", "good", wake=worker.wake)
        await recorder.looked("good")
        await recorder.looked("bad", 3)
        for number in range(20):  # what is marked anew rests all the same
            await mark(alone, org, "bad", wake=worker.wake)
            await asyncio.sleep(0.02)
            assert recorder.looks["bad"] <= 5 + number // 10
        recorder.failing.clear()
        await all_done(alone, org)
    assert recorder.looks["good"] == 1


async def test_a_mark_that_comes_during_a_look_is_looked_at_afterwards(alone: Database) -> None:
    org, recorder = an_org(), Recorder()
    recorder.gate.clear()
    async with working(alone, recorder.look) as worker:
        await mark(alone, org, "q", wake=worker.wake)
        await recorder.looked("q")
        for _ in range(3):
            await mark(alone, org, "q", wake=worker.wake)
        await asyncio.sleep(0.3)
        assert recorder.under_way["q"] == 1
        recorder.gate.set()
        await recorder.looked("q", 2)
        await all_done(alone, org)
    assert recorder.looks["q"] == 2


async def test_a_look_that_takes_long_is_not_begun_by_another_worker(alone: Database) -> None:
    org, recorder = an_org(), Recorder()
    recorder.gate.clear()
    async with working(alone, recorder.look, lease=0.6) as one, working(alone, recorder.look, lease=0.6):
        await mark(alone, org, "q", wake=one.wake)
        await asyncio.sleep(2.5)
        assert recorder.looks["q"] == 1
        recorder.gate.set()
        await all_done(alone, org)
    assert recorder.looks["q"] == 1


async def test_asked_to_stop_it_lets_its_looks_end(alone: Database) -> None:
    org, recorder = an_org(), Recorder()
    recorder.gate.clear()
    async with working(alone, recorder.look) as worker:
        await mark(alone, org, "q", wake=worker.wake)
        await recorder.looked("q")
        asyncio.get_running_loop().call_later(0.3, recorder.gate.set)
    assert await marks(alone, org) == []


async def test_while_the_database_breaks_off_it_goes_on(alone: Database) -> None:
    org, recorder = an_org(), Recorder()
    async with working(alone, recorder.look) as worker:
        await mark(alone, org, "q", wake=worker.wake)
        await recorder.looked("q")
        for number in range(5):
            async with alone.connection() as conn:
                await conn.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            await mark(alone, org, f"q{number}", wake=worker.wake)
            await recorder.looked(f"q{number}")
        await all_done(alone, org)


PROGRAM = """
import asyncio, sys
sys.path.insert(0, sys.argv[2])
from chassis.lifecycle import Loop, background
from chassis.postgres import Database
from chassis.ids import new_id
from waitlist.worker import Worker

async def look(org_id, queue):
    print("looking", flush=True)
    await asyncio.sleep(60)

async def main():
    async with Database(sys.argv[1], pool_size=3, application="tests").opened() as database:
        worker = Worker(database, look, at_once=2, lease=1.0, new_id=new_id)
        async with background(Loop("worker", worker.run), drain_seconds=1):
            await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_another_worker_takes_over_from_one_that_was_killed(
    prepared: str, alone: Database, tmp_path: Path
) -> None:
    """Kill -9 in mid-look."""
    org, recorder = an_org(), Recorder()
    await mark(alone, org, "q")
    async with running_program(PROGRAM, prepared, str(TESTS), folder=tmp_path) as process:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"looking\n"
        process.kill()
        await process.wait()
    assert [mark.held for mark in await marks(alone, org)] == [True]
    async with working(alone, recorder.look):
        await recorder.looked("q")
        await all_done(alone, org)
    assert recorder.looks["q"] == 1
