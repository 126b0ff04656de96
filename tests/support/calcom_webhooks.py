"""An organization that is told by Cal.com's webhooks what happened there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

from chassis.postgres import Database
from slotwire_contracts import CALCOM_BOOKINGS, CalcomBookingObserved, decode
from support.booking_service import Caller
from support.calcom import Courier, Life, Loss, StandIn, standin
from support.calcom_service import INTEGRATION, CalcomService
from support.topics import read_topic
from support.waiting import all_told, eventually


@dataclass
class Told:
    """The organization, its Cal.com, and the secret with which that signs."""

    calcom: StandIn
    admin: Caller
    database: Database
    bootstrap: str
    secret: str

    @property
    def life(self) -> Life:
        """What happens in its Cal.com."""
        return self.calcom.life

    @property
    def url(self) -> str:
        """Where its Cal.com sends webhooks."""
        return f"{self.admin.base}{INTEGRATION}/webhook/{self.admin.org_id}"

    async def deliver(self, loss: Loss | None = None) -> list[int]:
        """Let Cal.com send what happened; tells what each was answered."""
        courier = Courier(self.life, self.url, secret=self.secret, loss=loss)
        await courier.deliver()
        return courier.answers

    async def events(self) -> list[CalcomBookingObserved]:
        """All that booking was ever told of the organization, each chain's in order."""
        await all_told(self.database, within=10)
        records = await read_topic(self.bootstrap, CALCOM_BOOKINGS.name)
        events = {event.id: event for event in map(decode, (record.value for record in records))}
        mine = [one for one in events.values() if isinstance(one, CalcomBookingObserved)]
        return sorted(
            (event for event in mine if event.orgid == self.admin.org_id),
            key=lambda event: (event.subject, event.sequence),
        )

    async def runs(self) -> list[dict[str, Any]]:
        """Its runs of all kinds, the newest first."""
        lists = [await self.admin.get(f"{INTEGRATION}/runs{query}") for query in ("", "?kind=webhook")]
        return sorted((run for each in lists for run in each.body["data"]), key=itemgetter("id"), reverse=True)

    async def marks(self) -> int:
        """How many bookings are still to be read."""
        async with self.database.connection() as conn:
            return int(await conn.fetchval("SELECT count(*) FROM marks WHERE org_id = $1", self.admin.org_id))

    async def grow_old(self) -> None:
        """Let it be so long ago that webhooks told of what is marked that no replica can be behind it, and due."""
        async with self.database.connection() as conn:
            await conn.execute(
                "UPDATE marks SET heard_at = heard_at - interval '5 minutes', due_at = now() WHERE org_id = $1",
                self.admin.org_id,
            )

    async def quiet(self, *, within: float = 20.0) -> None:
        """Wait until all that is marked was read, and the runs are over."""

        async def is_quiet() -> bool:
            async with self.database.connection() as conn:
                under_way = await conn.fetchval(
                    "SELECT count(*) FROM runs WHERE org_id = $1 AND ended_at IS NULL", self.admin.org_id
                )
            return not under_way and not await self.marks()

        await eventually(is_quiet, within=within)


@asynccontextmanager
async def told_by_webhooks(
    service: CalcomService, schedule_id: str = "sch_a", *, org_id: str | None = None, **fields: Any
) -> AsyncIterator[Told]:
    """An organization with an empty Cal.com, whose clock is a little behind ours; `fields` are of its integration."""
    async with standin(Life(now=datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=4))) as calcom:
        admin = await service.caller(org_id)
        body = {"api_key": calcom.key, "base_url": calcom.url, "default_schedule_id": schedule_id, **fields}
        made = await admin.send("PUT", INTEGRATION, body)
        yield Told(calcom, admin, service.database, service.settings.kafka_bootstrap, made.data["webhook_secret"])


def in_days(days: float) -> datetime:
    """A full hour, so many days from now."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=days)
