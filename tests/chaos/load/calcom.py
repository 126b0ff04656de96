"""An organization's Cal.com, in which things happen all the while; it tells of them by webhooks, and is read by syncs.

Invariant: nothing of it depends on what the system does, but for when.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chaos.load.client import Client
from chassis.clock import utc_now
from support.calcom import Chance, Courier, Life, Loss, StandIn, fates
from support.calcom_processes import SYNC
from support.calcom_service import INTEGRATION

_LOSS = Loss(dropped=0.1, doubled=0.1, late=0.1)
_DAYS = 0.004  # that pass at Cal.com between two things that happen, at most
BEGAN_AGO = timedelta(days=3)  # so that its clock stays behind ours in a run of any length
WHENEVER = {"startDate": "1970-01-01", "endDate": "2199-12-31"}


@dataclass
class Account:
    """The account at Cal.com."""

    client: Client
    standin: StandIn
    chance: Chance
    courier: Courier

    @classmethod
    async def opened(cls, client: Client, standin: StandIn, url: str) -> "Account":
        """Have the organization read it.

        Args:
            standin: which Cal.com.
            url: by what way it is reached.
        """
        schedule = {"name": "From Cal.com", "timezone": "UTC", "capacity": 20}
        made = await client.insist("POST", "/api/v1/schedules", schedule)
        wanted = {
            "api_key": standin.key,
            "base_url": url,
            "default_schedule_id": made["id"],
            "sync_interval_seconds": 30,
        }
        told = await client.insist("PUT", INTEGRATION, wanted)
        seed = client.random.randrange(10**9)
        hook = f"{client.doors['calcom_sync']}{INTEGRATION}/webhook/{client.tenant.org_id}"
        courier = Courier(standin.life, hook, secret=told["webhook_secret"], loss=_LOSS, seed=seed)
        return cls(client, standin, Chance(standin.life, seed=seed), courier)

    async def step(self) -> None:
        """Have something happen, and sometimes a sync."""
        self.chance.step(days=_DAYS)
        await self.courier.deliver()
        if self.client.random.random() < 0.15:
            await self.client.change("POST", SYNC, {"organizationId": self.client.tenant.org_id}, tries=2)

    async def close(self) -> None:
        """Have all of it read once more, when nothing happens there any more."""
        await self.client.insist("POST", SYNC, {"organizationId": self.client.tenant.org_id, **WHENEVER})

    def truth(self) -> dict[str, dict[str, Any]]:
        """Tell what became of each appointment, by the uid that it had last."""
        return {
            fate.booking.uid: {
                "org_id": self.client.tenant.org_id,
                "chain_id": fate.chain.id,
                "uids": list(fate.chain.uids),
                "status": fate.booking.status,
                "start": fate.booking.start,
                "end": fate.booking.end,
                "seats": fate.booking.kind.seats,
                "is_deleted": fate.is_deleted,
            }
            for fate in fates(self.standin.life).values()
        }


def a_life(seed: int) -> Life:
    """An account that is empty yet."""
    return Life(seed=seed, now=utc_now().replace(microsecond=0) - BEGAN_AGO)
