"""Who follows the reservations misses none and sees no version twice, whatever is written meanwhile."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from chassis.ids import new_id
from chassis.postgres import Connection, Database
from support.booking_service import SOON, Caller

WRITERS, LATE_WRITERS, ROUNDS = 4, 4, 12
COPY = """
INSERT INTO bookings SELECT (jsonb_populate_record(b, jsonb_build_object(
    'id', $2::text, 'version', 1, 'attendee_slot', NULL, 'written', pg_current_xact_id()::text
))).* FROM bookings b WHERE b.id = $1
"""
TOUCH = "UPDATE bookings SET version = version + 1, updated_at = now(), written = DEFAULT WHERE id = $1"


@dataclass
class Reader:
    """Reads page after page, and then what comes."""

    caller: Caller
    limit: int
    seen: list[tuple[str, int]] = field(default_factory=list)
    pages: int = 0
    cursor: str | None = None

    async def read(self) -> bool:
        """Read a page; answers whether there is more."""
        after = "" if self.cursor is None else f"&starting_after={self.cursor}"
        got = await self.caller.get(f"/v1/reservations?limit={self.limit}{after}")
        self.seen += [(reservation["id"], reservation["version"]) for reservation in got.data]
        self.cursor = got.body["next_cursor"]
        self.pages += bool(got.data)
        return bool(got.body["has_more"])

    async def follow(self, written: asyncio.Future[dict[str, int]]) -> None:
        """Read until all that was written is seen; something else on the server may hold the last of it back."""
        async with asyncio.timeout(20):
            while await self.read() or not written.done() or dict(self.seen) != written.result():
                await asyncio.sleep(0)


async def write(staff: Caller, number: int) -> None:
    """Book and change through the API."""
    schedule_id = await staff.schedule()
    mine: list[str] = []
    for day in range(ROUNDS):
        mine.append((await staff.book(schedule_id=schedule_id, at=SOON + day * timedelta(days=1))).data["id"])
        chosen = random.choice(mine)
        assert (await staff.patch(f"/api/v1/bookings/{chosen}", {"title": f"{number} {day}"})).status == 200


async def write_late(conn: Connection, sample: str) -> None:
    """Make and change bookings in transactions that begin early and commit late."""
    mine: list[str] = []
    for _ in range(ROUNDS):
        async with conn.transaction():
            mine.append(new_id("bk"))
            await conn.execute(COPY, sample, mine[-1])
            await conn.execute(TOUCH, random.choice(mine))
            await asyncio.sleep(random.uniform(0.01, 0.1))


async def test_nothing_is_missed_and_nothing_comes_twice(staff: Caller, db: Database) -> None:
    sample = (await staff.book(schedule_id=await staff.schedule())).data["id"]
    written: asyncio.Future[dict[str, int]] = asyncio.Future()
    readers = [Reader(staff, limit) for limit in (1, 3, 100)]

    async def late() -> None:
        async with db.dedicated() as conn:
            await write_late(conn, sample)

    async with asyncio.TaskGroup() as following:
        for reader in readers:
            following.create_task(reader.follow(written))
        await asyncio.gather(*(write(staff, n) for n in range(WRITERS)), *(late() for _ in range(LATE_WRITERS)))
        pages = [reader.pages for reader in readers]
        async with db.connection() as conn:
            rows = await conn.fetch("SELECT id, version FROM bookings WHERE org_id = $1", staff.org_id)
        written.set_result({row["id"]: row["version"] for row in rows})

    assert len(rows) == 1 + (WRITERS + LATE_WRITERS) * ROUNDS
    assert min(pages) > 5  # they read while it was written
    for reader in readers:
        assert [once for once, times in Counter(reader.seen).items() if times > 1] == []
    newcomer = Reader(staff, 7)
    await newcomer.follow(written)
    assert sorted(newcomer.seen) == sorted((row["id"], row["version"]) for row in rows)
