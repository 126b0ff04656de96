"""The composed service: its operations, its events on the topic, and the statements of its busiest path."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from booking.domain.actors import Actor
from booking.domain.creation import Attendee
from booking.service.bookings import Bookings
from booking.settings import DATABASE
from chassis.clock import utc_now
from chassis.ids import Ids, new_id, next_id
from chassis.kafka import Consumer, Record
from chassis.origin import Origin
from chassis.postgres import Connection, Database, database_url
from chassis.unit import UnitOfWork
from slotwire_contracts import BOOKING_EVENTS, decode
from support.booking_service import Caller, Service
from support.booking_values import a_request


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"])
async def test_it_answers_operators_and_readers(service: Service, path: str) -> None:
    async with service.http.get(service.base + path) as response:
        assert response.status == 200


async def test_every_operation_is_described(service: Service) -> None:
    async with service.http.get(f"{service.base}/openapi.json") as response:
        paths = (await response.json())["paths"]
    kinds = [f"/api/v1/{kind}" for kind in ("clients", "event-types", "locations", "schedules", "sections", "tables")]
    kinds.append("/v2/settings/services")
    assert {path: sorted(operations) for path, operations in paths.items()} == {
        "/api/v1/availability": ["get"],
        "/api/v1/bookings": ["get", "post"],
        "/api/v1/bookings/bulk-status": ["post"],
        "/api/v1/bookings/{id}": ["delete", "get", "patch"],
        "/api/v1/holds": ["post"],
        "/api/v1/holds/{id}": ["delete"],
        "/v1/reservations": ["get"],
        "/v1/reservations/{id}": ["get"],
        "/v1/reservations/{id}/events": ["get"],
        "/v2/event_instances": ["get", "post"],
        "/v2/event_instances/{id}": ["delete", "get", "patch"],
        "/v2/event_instances/{id}/cancel": ["post"],
        "/v2/event_instances/{id}/registrations": ["get", "post"],
        **{kind: ["get", "post"] for kind in kinds},
        **{f"{kind}/{{id}}": ["delete", "get", "patch"] for kind in kinds},
    }


async def test_a_key_is_told_its_limit(staff: Caller) -> None:
    assert (await staff.get("/api/v1/bookings")).headers["RateLimit-Limit"] == "6000"


async def test_history_and_topic_tell_the_same_events_in_the_same_order(
    service: Service, staff: Caller, db: Database
) -> None:
    location_id = await staff.location()
    tables = [await staff.table(location_id, 4) for _ in range(2)]
    made = await staff.book(location_id=location_id, table_ids=tables[:1])
    booking_id = made.data["id"]
    changes = ({"status": "CONFIRMED", "reason": "paid"}, {"title": "Tea", "table_ids": tables[1:]}, {"party_size": 2})
    for change in changes:
        last = await staff.patch(f"/api/v1/bookings/{booking_id}", change)
    async with db.connection() as conn:
        history = await conn.fetch(
            "SELECT event_id, type, sequence, created_at, data, actor FROM history WHERE booking_id = $1"
            " ORDER BY sequence",
            booking_id,
        )
    assert len(history) == 6
    records: list[Record] = []
    async with (
        asyncio.timeout(30),
        Consumer.connected(service.settings.kafka_bootstrap, [BOOKING_EVENTS.name], group=None) as consumer,
    ):
        while len(records) < len(history):
            fetched = await consumer.fetch(at_most=500, wait_seconds=1)
            records += [record for record in fetched if record.key == booking_id.encode()]
    events = [decode(record.value) for record in records]
    told = [(e.id, e.type, e.sequence, e.time, e.data.change.model_dump(mode="json"), e.actor) for e in events]
    assert told == [tuple(row.values()) for row in history]
    assert {(event.orgid, event.subject) for event in events} == {(staff.org_id, booking_id)}
    assert events[0].data.resource.model_dump(mode="json") == made.data
    assert events[-1].data.resource.model_dump(mode="json") == last.data


class WatchedDatabase(Database):
    """A database that tells which statements are sent to it."""

    sent: list[str]

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        async with super().connection() as conn:
            with conn.query_logger(lambda record: self.sent.append(record.query)):
                yield conn


async def test_a_booking_takes_two_statements(service: Service, staff: Caller) -> None:
    """One to read and one to write, a transaction by itself: the speed of this path is its round trips."""
    schedule_id = await staff.schedule(capacity=2)
    url = database_url(service.settings.postgres_url, DATABASE)
    watched = WatchedDatabase(url, pool_size=2, application="tests")
    bookings = Bookings(UnitOfWork(watched, lambda: None), watched, utc_now, Ids(new_id, next_id))
    actor = Actor(staff.org_id, "staff")
    async with watched.opened():
        for name in ("ada", "grace"):  # on the first time, types are looked up
            watched.sent = []
            new = a_request(schedule_id=schedule_id, attendee=Attendee(name, f"{name}@example.com"))
            await bookings.create(actor, new, Origin("req_1"), None)
    assert [statement.split()[0] for statement in watched.sent] == ["SELECT", "WITH"]
