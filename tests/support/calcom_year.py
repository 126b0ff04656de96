"""A life at Cal.com and what the real services make of it: all by one clock, which stands while they work.

Invariant: while anything is under way no time passes and nothing happens at Cal.com, so an event's time tells exactly
what was true when it was sent.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from calcom_sync.domain.rounds import due
from calcom_sync.service.runs import Runs
from calcom_sync.store import rounds
from chassis.ids import Ids, new_id, next_id
from slotwire_contracts import BOOKING_EVENTS, decode
from support.booking_service import Caller, running_service
from support.calcom import Chance, Courier, Defects, Life, Loss, Malformed, StandIn, Throttle, standin
from support.calcom.standin import CURSORS
from support.calcom_service import INTEGRATION, CalcomService, running_calcom_service
from support.calcom_truths import Truths
from support.servers import Servers
from support.topics import read_topic
from support.waiting import eventually

LAG = timedelta(minutes=4)
REACH = timedelta(days=18)  # with the longest rest it is less than what a comparison looks back


BY_CURSOR = {"pagination": "cursor", "api_version": CURSORS}


def every_defect(**more: Any) -> Defects:
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
        **more,
    )


@dataclass
class Year:
    """An organization whose Cal.com has a life, and all that was true in it.

    Attributes:
        truths: what was true of each appointment, whenever something happened or was looked at.
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
    truths: Truths

    @property
    def life(self) -> Life:
        return self.calcom.life

    async def pass_by(self, until: datetime) -> None:
        """Let life go on: some hours in which things happen, then days in which nothing does."""
        while self.life.now < until:
            for _ in range(self.random.randint(1, 4)):
                self.chance.step(days=self.random.choice((0.01, 0.05, 0.5)))
                self.truths.note()
                await self.look()
            self.life.advance(days=self.random.uniform(0.5, 10))
            await self.look()

    async def look(self) -> None:
        """Let the services do all that is due now, in the weather of the day."""
        defects, weather = self.calcom.defects, self.random.random()
        defects.failing = weather < 0.04
        defects.old_version = 0.04 <= weather < 0.07
        defects.malformed = Malformed.NO_UID if 0.07 <= weather < 0.1 else None
        defects.down = 0.1 <= weather < 0.13
        await self.courier.deliver()
        await self.settle()
        defects.old_version, defects.malformed, defects.down = False, None, False

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
        mine = [event for event in events if event.orgid == self.admin.org_id]
        return [event for event in mine if event.type.startswith("reservation.")]


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
async def a_year(servers: Servers, defects: Defects, *, seed: int, **terms: str) -> AsyncIterator[Year]:
    """An organization of whose webhooks half are lost, for the block; `terms` are of its integration."""
    life = Life(seed=seed)

    def clock() -> datetime:
        return life.now

    async with (
        running_service(servers, clock) as booking,
        running_calcom_service(servers, clock, calcom_look=0.05) as service,
        standin(life, defects=defects) as calcom,
    ):
        admin = await service.caller()
        bookings = await booking.caller(admin.org_id)
        schedule_id = await bookings.schedule(capacity=3)
        body = {
            "api_key": calcom.key,
            "base_url": calcom.url,
            "default_schedule_id": schedule_id,
            "sync_interval_seconds": 3600,
            **terms,
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
            Truths(life),
        )
        await admin.delete(INTEGRATION)
