"""What the stores hold is read as it is, from real servers and services."""

import asyncio
import secrets
from datetime import UTC, datetime
from pathlib import Path

from chaos.checks.history import feed_topic_and_webhook_agree
from chaos.checks.occupancy import nothing_overlaps
from chaos.evidence import Evidence, Told
from chaos.reach import Reach
from chaos.stored import TABLES, read_stored
from chassis.postgres import Database, database_url
from chassis.service import migrate
from support.servers import Servers
from support.subscriber import subscriber
from support.system import System, running_system
from support.topics import write_topic
from support.waiting import eventually

_MADE = 3
_UNDER_WAY = f"queue-{secrets.token_hex(6)}"


async def _books(system: System) -> str:
    """Book at a desk, and cancel the last booking; answers that one's id."""
    desk = await system.made("/api/v1/schedules", {"name": "Desk", "timezone": "UTC", "capacity": 1})
    for hour in range(_MADE):
        times = {"start_time": f"2030-01-01T{hour:02}:00:00Z", "end_time": f"2030-01-01T{hour + 1:02}:00:00Z"}
        guest = {"name": "Guest", "email": f"guest{hour}@example.com"}
        made = await system.made("/api/v1/bookings", {"schedule_id": desk["id"], "attendee": guest, **times})
    await system.call("DELETE", f"/api/v1/bookings/{made['id']}")
    return str(made["id"])


async def _look_at_a_queue(servers: Servers) -> None:
    """Have a queue under way that nobody has asked to look at again: it is due when time ends."""
    waitlist = Database(database_url(servers.postgres_url, "waitlist"), pool_size=1, application="tests")
    owed = "INSERT INTO queues (org_id, queue, due_at, marked_at) VALUES ($1, $1, 'infinity', now())"
    async with waitlist.opened(), waitlist.connection() as conn:
        await conn.execute(owed, _UNDER_WAY)


async def test_all_that_the_checks_look_at_is_read(servers: Servers, tmp_path: Path) -> None:
    began_at = datetime.now(UTC)
    await asyncio.gather(*(migrate(servers.postgres_url, service) for service in ("waitlist", "calcom_sync")))
    await _look_at_a_queue(servers)
    async with running_system(servers, tmp_path) as system, subscriber() as told:
        org_id, keys = system.tenant.org_id, {system.tenant.org_id: system.tenant.key}
        hook = {"url": told.url, "events": ["reservation.*"]}
        told.expect((await system.made("/api/v1/webhooks/subscriptions", hook))["secret"])
        booking_id = await _books(system)
        await eventually(lambda: asyncio.sleep(0, len(told.accepted) == _MADE + 1))
        await write_topic(servers.kafka_bootstrap, "booking.events", [(b"poison", b"[]")])

        async def is_settled() -> bool:
            stored = await read_stored(reach)
            dead = [one for one in stored.records if one.topic == "booking.events.dlq" and one.timestamp >= began_at]
            states = [row["state"] for row in stored.tables["webhook_dispatcher.deliveries"] if row["org_id"] == org_id]
            return bool(dead) and states == ["delivered"] * (_MADE + 1)

        run = Told(1, [org_id], began_at, began_at, settled=True)
        reach = Reach(servers, system.booking[0].url, system.dispatcher[0].url, keys, {"uid": {"start": began_at}})
        await eventually(is_settled)
        stored = await read_stored(reach)

    assert all(row["due_at"].tzinfo is not None for row in stored.tables["waitlist.queues"])
    assert _UNDER_WAY in [row["queue"] for row in stored.tables["waitlist.queues"]]
    assert set(stored.tables) == {f"{database}.{name}" for database, names in TABLES.items() for name in names}
    assert stored.calcom == {"uid": {"start": began_at}}
    assert stored.ledgers[org_id]["delivered"] == _MADE + 1
    assert [event["type"] for event in stored.feeds[org_id]].count("reservation.created") == _MADE
    history = [row for row in stored.tables["booking.history"] if row["booking_id"] == booking_id]
    assert sorted((row["sequence"], row["data"].get("to_status")) for row in history) == [(1, None), (2, "cancelled")]
    records = [one for one in stored.records if one.key == booking_id.encode()]
    assert [one.topic for one in records] == ["booking.events"] * 2
    assert all(one.timestamp >= began_at.replace(microsecond=0) for one in records)
    committed = stored.committed["webhook-dispatcher", "booking.events", records[0].partition]
    assert committed > records[-1].offset
    for check, looked_at in ((feed_topic_and_webhook_agree, _MADE), (nothing_overlaps, _MADE)):
        found = check(Evidence(run, stored))
        assert found.breaches == ()
        assert found.looked_at >= looked_at
