"""Lives at Cal.com that nobody planned, and all that real syncs tell of them: each run is carried out as it comes up.

Invariant: what reads, decides and writes is the service's own; the test says only when it looks, and in what weather.
Life goes on while a run reads.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from calcom_sync.domain.integration import Pagination
from calcom_sync.domain.run import RunKind
from calcom_sync.service.webhooks import Webhooks
from chassis.postgres import Database
from slotwire_contracts import CalcomBooking, CalcomBookingObserved
from support.calcom import Chance, Courier, Defects, Life, Loss, Malformed
from support.calcom.standin import CURSORS
from support.calcom_desk import ORG, STORE, CalcomDesk, calcom_desk
from support.calcom_truths import Truths, shown

LAG = timedelta(minutes=4)
REACH = timedelta(days=18)  # with the longest rest it is less than what a comparison looks back
_BY_CURSOR: dict[str, Any] = {"pagination": Pagination.CURSOR, "api_version": CURSORS}
STORMS: tuple[tuple[str, Any], ...] = (
    ("failing", 2),
    ("failing", 5),
    ("old_version", True),
    ("down", True),
    ("delay", 0.005),
    *(("malformed", how) for how in Malformed),
)
_ALWAYS: dict[str, Any] = {
    "wrong_totals": True,
    "trailing_pages": 2,
    "nulls": True,
    "unknown_host": True,
    "null_successor": True,
    "no_tie_breaker": True,
    "ignores_after_start": True,
    "mixed_people": True,
}
ELSEWHERE = {
    "throttle": "the year has it, as it takes real time",
    "forbidden": "what cannot be read is not known in the end",
    "stuck": "no run ends well",
    "endless_list": "no run ends well",
    "endless_chain": "no run ends well",
}
"""What is never wrong in these lives, and why."""


@dataclass(frozen=True)
class Climate:
    """What is always wrong with a Cal.com, how it is read, and what may be wrong with it for once.

    Attributes:
        is_calm: nothing happens while a run reads.
        may_go_back: who came may be told as it was before what was told last. Cal.com gives no time of its own for
            that, so of two replicas that are not equally late nobody knows which is.
    """

    defects: dict[str, Any] = field(default_factory=dict)
    terms: dict[str, Any] = field(default_factory=dict)
    weather: tuple[tuple[str, Any], ...] = ()
    is_calm: bool = False
    may_go_back: bool = False


CLIMATES = {
    "fair": Climate(),
    "calm": Climate(_ALWAYS | {"list_lag": LAG}, weather=STORMS, is_calm=True),
    "lists late": Climate(_ALWAYS | {"list_lag": LAG}, weather=STORMS),
    "all late": Climate(_ALWAYS | {"list_lag": LAG, "read_lag": LAG}, weather=STORMS),
    "single ones late": Climate({"read_lag": LAG, "null_successor": True}, may_go_back=True),
    "short pages": Climate(_ALWAYS | {"short_pages": 7}, weather=STORMS),
    "cursors": Climate(_ALWAYS | {"list_lag": LAG}, _BY_CURSOR, (*STORMS, ("cursor_mode_hangs", True))),
    "offsets for cursors": Climate(_ALWAYS | {"offset_in_cursor_mode": True}, _BY_CURSOR),
}


@dataclass
class _Meanwhile:
    """What happens at Cal.com while it is asked.

    Attributes:
        left: how often yet.
    """

    happen: Callable[[], None]
    random: Random
    left: int = 0

    async def pass_by(self, path: str) -> None:
        """Let something happen, or not, before a request is answered."""
        if self.left and path.startswith("/v2/bookings") and self.random.random() < 0.2:
            self.left -= 1
            self.happen()


@dataclass
class Lived:
    """An organization whose Cal.com has a life, and what it was told of that.

    Attributes:
        untrue: what was told and never so, in words for whoever reads a failure.
        known: the last snapshot of each appointment.
    """

    desk: CalcomDesk
    climate: Climate
    chance: Chance
    courier: Courier
    random: Random
    truths: Truths
    untrue: list[str] = field(default_factory=list)
    known: dict[str, CalcomBooking] = field(default_factory=dict)
    told: int = 0

    def __post_init__(self) -> None:
        self._webhooks = Webhooks(self.desk.database, STORE, self.desk.now, lambda: None)
        self._meanwhile = _Meanwhile(self.happen_meanwhile, self.random)
        self.desk.calcom.halts.append(self._meanwhile)

    @property
    def life(self) -> Life:
        return self.desk.life

    async def pass_by(self, **time: float) -> None:
        """Let life go on: some hours in which things happen, then days in which nothing does."""
        until = self.life.now + timedelta(**time)
        while self.life.now < until:
            for _ in range(self.random.randint(1, 4)):
                self.happen(self.random.choice((0.001, 0.01, 0.05, 0.5)))
                await self.look()
            self.life.advance(days=self.random.uniform(0.2, 4))
            await self.look()

    def happen(self, days: float) -> None:
        """Let something happen within so many days."""
        self.chance.step(days=days)
        self.truths.note()

    def happen_meanwhile(self) -> None:
        """Let something happen while a run reads; most often something is moved, of which much can be misread."""
        if self.random.random() < 0.3:
            self.happen(days=0.0005)
            return
        self.life.advance(seconds=self.random.randint(1, 30))
        self.chance.move()
        self.truths.note()

    async def look(self) -> None:
        """Have done all that is due now, in the weather of the hour."""
        name, value = self.random.choice(self.climate.weather) if self._is_stormy() else ("delay", 0.0)
        setattr(self.desk.calcom.defects, name, value)
        for body in self.courier.bodies():
            await self._webhooks.take(ORG, body)
        self._meanwhile.left = 0 if self.climate.is_calm else 3
        await self.work()
        self._meanwhile.left = 0
        setattr(self.desk.calcom.defects, name, getattr(Defects(), name))

    def _is_stormy(self) -> bool:
        return bool(self.climate.weather) and self.random.random() < 0.2

    async def work(self, *kinds: RunKind) -> None:
        """Carry out what is due, and runs of some kinds."""
        defects = self.desk.calcom.defects
        since = self.life.now - max(defects.list_lag, defects.read_lag)
        async with self.desk.database.connection() as conn:
            marked = await conn.execute("UPDATE marks SET due_at = now()")
        await self.desk.periodic.ask()
        for kind in (*kinds, *(() if marked == "UPDATE 0" else (RunKind.WEBHOOK,))):
            await self.desk.runs.ask(ORG, kind)
        await self.desk.work()
        await self._hold_to_truth(since)

    async def _hold_to_truth(self, since: datetime) -> None:
        for event in await self.desk.told():
            self.told += 1
            self.known[event.subject] = event.data.resource
            await self.desk.answer(event, "updated")
            is_news = bool(event.data.change.changed)  # what is told again was held to the truth when it was new
            if is_news and not self._is_true(event, since):
                by, said = event.data.change.found_by.value, shown(event.data.resource)
                self.untrue.append(f"{event.time:%m-%d %H:%M:%S} {by} {event.data.change.changed} {said}")

    def _is_true(self, event: CalcomBookingObserved, since: datetime) -> bool:
        snapshot, chain_id = event.data.resource, event.subject
        if self.truths.chain_of(snapshot.uid) != chain_id:
            return False
        go_back = self.climate.may_go_back
        return self.truths.agrees(chain_id, shown(snapshot), since=since, at=event.time, may_go_back=go_back)


@asynccontextmanager
async def a_life(database: Database, climate: Climate, seed: int) -> AsyncIterator[Lived]:
    """An organization whose webhooks are lost in part, for the block."""
    async with calcom_desk(database, Life(seed=seed), **climate.defects) as desk:
        await desk.configure(sync_interval_seconds=3600, **climate.terms)
        random, truths = Random(seed), Truths(desk.life)
        truths.note()
        chance = Chance(desk.life, seed=seed, reach=REACH)
        courier = Courier(desk.life, "", secret=None, loss=Loss(dropped=0.5, doubled=0.2, late=0.2), seed=seed)
        yield Lived(desk, climate, chance, courier, random, truths)
