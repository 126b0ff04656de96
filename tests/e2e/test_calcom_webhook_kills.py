"""Cal.com sync killed with -9 after it has answered a webhook: what that told of is read all the same, and told once.

Cal.com sends nothing again (scheduling.md section 1), so what was answered must be in the database by then.
"""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp

from chassis.service import migrate
from slotwire_contracts import CALCOM_BOOKINGS, CalcomBookingObserved, decode
from support.calcom import Courier, Life, standin
from support.calcom_service import INTEGRATION
from support.servers import Servers
from support.system import ServiceProcess, Tenant, new_tenant, service_environment
from support.topics import read_topic
from support.waiting import eventually

KILLS, EACH = 4, 5


async def told(servers: Servers, tenant: Tenant) -> Counter[str]:
    """How many events of each chain there are; a record may stand on the topic twice."""
    records = await read_topic(servers.kafka_bootstrap, CALCOM_BOOKINGS.name)
    events = {event.id: event for event in map(decode, (record.value for record in records))}
    mine = (event for event in events.values() if isinstance(event, CalcomBookingObserved))
    return Counter(event.subject for event in mine if event.orgid == tenant.org_id)


async def integrated(process: ServiceProcess, tenant: Tenant, calcom_url: str, key: str) -> str:
    """Set the organization's integration; answers the webhooks' secret."""
    body = {"api_key": key, "base_url": calcom_url, "default_schedule_id": "sch_a"}
    async with (
        aiohttp.ClientSession() as http,
        http.put(process.url + INTEGRATION, json=body, headers=tenant.headers) as answer,
    ):
        return str((await answer.json())["data"]["webhook_secret"])


async def test_a_webhook_that_was_answered_is_never_lost(servers: Servers, tmp_path: Path) -> None:
    env = service_environment(
        servers,
        SLOTWIRE_CALCOM_ALLOW_NETWORKS='["127.0.0.0/8"]',
        SLOTWIRE_CALCOM_ALLOW_HTTP="true",
        SLOTWIRE_CALCOM_PACE="0",
        SLOTWIRE_CALCOM_LEASE="1",
    )
    await migrate(servers.postgres_url, "calcom_sync")
    process = ServiceProcess("calcom_sync", env, tmp_path / "calcom-sync.log")
    tenant = await new_tenant(servers)
    life = Life(now=datetime.now(UTC).replace(microsecond=0) - timedelta(days=1))
    async with standin(life) as calcom:
        await asyncio.to_thread(process.start)
        try:
            await eventually(process.ready)
            secret = await integrated(process, tenant, calcom.url, calcom.key)
            url = f"{process.url}{INTEGRATION}/webhook/{tenant.org_id}"
            calcom.defects.delay = 0.2  # so that it is killed while it reads
            uids: list[str] = []
            for number in range(KILLS):
                life.advance(minutes=1)
                uids += [life.create(life.now + timedelta(days=2, hours=len(uids) + one)) for one in range(EACH)]
                courier = Courier(life, url, secret=secret)
                await courier.deliver()
                assert courier.answers == [202] * EACH
                await asyncio.sleep(0.3 * number)
                await asyncio.to_thread(process.kill)
                await asyncio.to_thread(process.start)
                await eventually(process.ready)
            calcom.defects.delay = 0.0

            async def all_are_told() -> bool:
                return (await told(servers, tenant)).keys() == set(uids)

            await eventually(all_are_told, within=60)
            assert await told(servers, tenant) == Counter(uids)
        finally:
            await asyncio.to_thread(process.stop)
