"""A life at Cal.com and what the real services make of it: all by one clock, which stands while they work.

Invariant: while anything is under way no time passes and nothing happens at Cal.com, so an event's time tells exactly
what was true when it was sent.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from calcom_sync.domain.rounds import due
from calcom_sync.domain.status import GRACE
from calcom_sync.service.runs import Runs
from calcom_sync.store import rounds
from chassis.ids import Ids, new_id, next_id
from slotwire_contracts import BOOKING_EVENTS, decode
from support.booking_service import Caller, running_service
from support.calcom import Booking, Chance, Courier, Defects, Life, Loss, Malformed, StandIn, Throttle, fates, standin
from support.calcom_service import INTEGRATION, CalcomService, running_calcom_service
from support.servers import Servers
from support.topics import read_topic
from support.waiting import eventually

Truth = Mapping[str, Any]
LAG = timedelta(minutes=4)
REACH = timedelta(days=18)  # with the longest rest it is less than what a comparison looks back


def every_defect() -> Defects:
    """All that is always wrong with an API that yet can be read."""
    return Defects(
        wrong_totals=True,
        trailing_pages=2,
        list_lag=LAG,
        nulls=True,
        unknown_host=True,
        null_successor=True,
        no_tie_breaker=True,
        mixed_people=True,
        ignores_after_start=True,
        throttle=Throttle(limit=200, window=1.0, block=1.0),
    )


@dataclass
class Year:
    """An organization whose Cal.com has a life, and all that was true in it.

    Attributes:
        truths: what was true of each appointment, by the instants at which something happened or was looked at.
    """

    calcom: StandIn
    service: CalcomService
    admin: Caller
    bookings: Caller
    runs: Runs
    chance: Chance
    courier: Courier
    bootstrap: str
    random: Random
    truths: dict[datetime, dict[str, Truth]] = field(default_factory=dict)

    @property
    def life(self) -> Life:
        return self.calcom.life

    async def pass_by(self, until: datetime) -> None:
        """Let life go on: some hours in which things happen, then days in which nothing does."""
        while self.life.now < until:
            for _ in range(self.random.randint(1, 4)):
                self.chance.step(days=self.random.choice((0.01, 0.05, 0.5)))
                await self.look()
            self.life.advance(days=self.random.uniform(0.5, 10))
            await self.look()

    async def look(self) -> None:
        """Let the services do all that is due now, in the weather of the day."""
        defects, weather = self.calcom.defects, self.random.random()
        defects.failing = weather < 0.04
        defects.old_version = 0.04 <= weather < 0.07
        defects.malformed = Malformed.NO_UID if 0.07 <= weather < 0.1 else None
        self.note()
        await self.courier.deliver()
        await self.settle()
        defects.old_version, defects.malformed = False, None

    def note(self) -> None:
        """Note what is true now."""
        now = self.life.now
        self.truths[now] = {
            chain_id: {"status": "CANCELLED"} if fate.is_deleted else truth(fate.booking, now)
            for chain_id, fate in fates(self.life).items()
        }

    async def settle(self) -> None:
        """Wait until nothing is due or under way. What is to be read once more later is left to the syncs."""
        await eventually(self._is_quiet, within=60)
        async with self.service.database.connection() as conn:
            await conn.execute("DELETE FROM marks")
        await eventually(self._is_quiet, within=60)

    async def _is_quiet(self) -> bool:
        async with self.service.database.connection() as conn:
            busy = await conn.fetchval(
                """
                SELECT EXISTS (SELECT FROM runs WHERE ended_at IS NULL)
                    OR EXISTS (SELECT FROM run_items WHERE outcome IS NULL)
                    OR EXISTS (SELECT FROM marks WHERE tries = 0)
                """
            )
            found = await rounds.candidates(conn, self.life.now)
        return not busy and not any(due(one.rounds, self.life.now, lambda *_: 60.0) for one in found)

    async def listed(self) -> list[dict[str, Any]]:
        """All bookings here."""
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            page = (await self.bookings.get(f"/v1/reservations?limit=100{after}")).body
            found += page["data"]
            if not page["has_more"]:
                return found
            after = f"&starting_after={page['next_cursor']}"

    async def told(self) -> list[Any]:
        """All that subscribers were told, in the order of each booking."""
        records = await read_topic(self.bootstrap, BOOKING_EVENTS.name)
        events = [decode(record.value) for record in records]
        return [event for event in events if event.type.startswith("reservation.")]

    def chain_of(self, uid: str) -> str:
        """The appointment to which a uid belongs."""
        return next(chain.id for chain in self.life.chains() if uid in chain.uids)

    def was_true(self, chain_id: str, at: datetime, said: Truth) -> bool:
        """Whether something was true of an appointment at an instant, or no longer ago than lists lag."""
        near = [instant for instant in self.truths if at - LAG < instant <= at]
        before = max((instant for instant in self.truths if instant <= at - LAG), default=at)
        known = [self.truths[instant].get(chain_id) for instant in [*near, before]]
        return any(true is not None and all(true.get(name) == said[name] for name in said) for true in known)


def truth(booking: Booking, now: datetime) -> Truth:
    """What must be known here of a booking."""
    return {
        "status": _status(booking, now),
        "uid": booking.uid,
        "start_time": booking.start,
        "end_time": booking.end,
        "title": booking.title,
        "party_size": max(1, len(booking.attendees)),
        "attendees": sorted((each.email, each.absent) for each in booking.attendees),
        "absent_host": booking.absent_host,
    }


def _status(booking: Booking, now: datetime) -> str:
    if booking.status in {"pending", "awaiting_host"}:
        return "PENDING"
    if booking.is_over:
        return "CANCELLED"
    if now < booking.end + GRACE:
        return "CONFIRMED"
    return "NO_SHOW" if booking.attendees and all(each.absent for each in booking.attendees) else "COMPLETED"


def shown(resource: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a booking as it is shown here."""
    details = resource["metadata"]["calcom"]
    return {
        "status": resource["status"],
        "uid": resource["external"]["uid"],
        "start_time": datetime.fromisoformat(resource["start_time"]),
        "end_time": datetime.fromisoformat(resource["end_time"]),
        "title": resource["title"],
        "party_size": resource["party_size"],
        "attendees": sorted((each["email"], each["absent"]) for each in details["attendees"]),
        "absent_host": details["absent_host"],
    }


@asynccontextmanager
async def a_year(servers: Servers, *, seed: int) -> AsyncIterator[Year]:
    """An organization with every defect on, of whose webhooks half are lost, for the block."""
    life = Life(seed=seed)

    def clock() -> datetime:
        return life.now

    async with (
        running_service(servers, clock) as booking,
        running_calcom_service(servers, clock, calcom_look=0.05) as service,
        standin(life, defects=every_defect()) as calcom,
    ):
        admin = await service.caller()
        bookings = await booking.caller(admin.org_id)
        schedule_id = await bookings.schedule(capacity=3)
        body = {
            "api_key": calcom.key,
            "base_url": calcom.url,
            "default_schedule_id": schedule_id,
            "sync_interval_seconds": 3600,
        }
        made = await admin.send("PUT", INTEGRATION, body)
        url = f"{service.base}{INTEGRATION}/webhook/{admin.org_id}"
        loss = Loss(dropped=0.5, doubled=0.2, late=0.2)
        courier = Courier(life, url, secret=made.data["webhook_secret"], loss=loss, seed=seed)
        chance = Chance(life, seed=seed, reach=REACH)
        yield Year(
            calcom,
            service,
            admin,
            bookings,
            Runs(service.database, clock, Ids(new_id, next_id), lambda: None),
            chance,
            courier,
            servers.kafka_bootstrap,
            Random(seed),
        )
