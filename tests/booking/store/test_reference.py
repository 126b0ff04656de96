"""Reference data in its tables: each kind is written whole, and found until it is deleted."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from booking.domain.hours import OpenHours
from booking.domain.listing import Page
from booking.domain.reference import (
    CLIENTS,
    EVENT_TYPES,
    LOCATIONS,
    SCHEDULES,
    SECTIONS,
    SERVICES,
    TABLES,
    Client,
    EventType,
    Kind,
    Location,
    Schedule,
    Section,
    Service,
    Stored,
    Table,
)
from booking.store import reference
from chassis.ids import new_id
from chassis.postgres import Connection
from support.booking_values import NOW

ORG = "org_reference"
HOURS = {"monday": [OpenHours(start="09:00", end="12:00")]}
PAGE = Page(10, 0)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
async def whole(conn: Connection) -> dict[str, tuple[Kind[Any], Stored[Any]]]:
    """One of each kind with every field, and its row."""
    location_id, section_id, schedule_id = new_id("loc"), new_id("sct"), new_id("sch")
    entities: tuple[tuple[Kind[Any], str, Any], ...] = (
        (
            LOCATIONS,
            location_id,
            Location(
                name="Bistro",
                timezone="Europe/Paris",
                auto_confirm=True,
                weekly_hours=HOURS,
                date_overrides={"2026-12-25": []},
                visit_minutes=120,
                interval_minutes=30,
                one_per_attendee=False,
                complete_after_minutes=0,
            ),
        ),
        (SECTIONS, section_id, Section(location_id=location_id, name="Bar")),
        (
            TABLES,
            new_id("tbl"),
            Table(
                location_id=location_id,
                section_id=section_id,
                name="T",
                min_party=2,
                max_party=4,
                combinable=True,
            ),
        ),
        (
            SCHEDULES,
            schedule_id,
            Schedule(
                name="Room",
                timezone="UTC",
                weekly_hours=HOURS,
                date_overrides={"2026-12-25": []},
                capacity=3,
                max_bookings_per_day=9,
                max_bookings_per_minute=2,
                one_per_attendee=False,
                complete_after_minutes=None,
            ),
        ),
        (
            EVENT_TYPES,
            new_id("evt"),
            EventType(
                name="Talk",
                schedule_id=schedule_id,
                duration_minutes=30,
                durations_minutes=[30, 60],
                interval_minutes=15,
                minimum_notice_minutes=5,
                horizon_days=30,
                requires_confirmation=True,
                location_type="phone",
            ),
        ),
        (CLIENTS, new_id("cli"), Client(name="Ada", email="Ada@Example.com", phone="1", timezone="UTC")),
        (
            SERVICES,
            new_id("srv"),
            Service(
                name="Yoga",
                service_type="event",
                description="For all",
                location_id=location_id,
                timezone="UTC",
                requires_confirmation=True,
                complete_after_minutes=None,
            ),
        ),
    )
    rows = {}
    for kind, entity_id, entity in entities:
        stored = Stored(entity_id, entity, NOW, NOW)
        if kind.emits:
            stored = replace(stored, sequence=1, last_event_id="evt_1")
        await reference.insert(conn, kind, ORG, stored)
        rows[kind.name] = (kind, stored)
    return rows


KINDS = [kind.name for kind in (LOCATIONS, SECTIONS, TABLES, SCHEDULES, EVENT_TYPES, CLIENTS, SERVICES)]


@pytest.mark.parametrize("name", KINDS)
async def test_every_field_is_kept(
    conn: Connection, whole: dict[str, tuple[Kind[Any], Stored[Any]]], name: str
) -> None:
    kind, stored = whole[name]
    assert await reference.fetch(conn, kind, ORG, stored.id) == stored
    assert await reference.fetch_named(conn, kind, ORG, stored.id) == stored
    assert await reference.fetch(conn, kind, "org_else", stored.id) is None
    changed = replace(stored, entity=replace(stored.entity, name="Other"), updated_at=LATER)
    await reference.update(conn, kind, "org_else", changed)
    assert await reference.fetch(conn, kind, ORG, stored.id, lock=True) == stored
    await reference.update(conn, kind, ORG, changed)
    assert await reference.fetch(conn, kind, ORG, stored.id) == changed
    assert list((await reference.page(conn, kind, ORG, PAGE, {})).items) == [changed]


@pytest.mark.parametrize("name", KINDS)
async def test_what_is_deleted_is_found_nowhere_and_kept(
    conn: Connection, whole: dict[str, tuple[Kind[Any], Stored[Any]]], name: str
) -> None:
    kind, stored = whole[name]
    await reference.update(conn, kind, ORG, replace(stored, deleted_at=LATER))
    assert await reference.fetch(conn, kind, ORG, stored.id) is None
    assert await reference.fetch_named(conn, kind, ORG, stored.id) is None
    found = await reference.page(conn, kind, ORG, PAGE, {})
    assert (list(found.items), found.total) == ([], 0)
    assert await conn.fetchval(f"SELECT deleted_at FROM {kind.name} WHERE id = $1", stored.id) == LATER


async def test_a_page_is_filtered_and_an_address_compared_without_regard_to_case(
    conn: Connection, whole: dict[str, tuple[Kind[Any], Stored[Any]]]
) -> None:
    location_id = whole["locations"][1].id
    asked: tuple[tuple[Kind[Any], dict[str, object], int], ...] = (
        (TABLES, {"location_id": location_id}, 1),
        (TABLES, {"location_id": "loc_none"}, 0),
        (CLIENTS, {"email": "aDA@example.com"}, 1),
        (CLIENTS, {"email": "ada@example.co"}, 0),
        (CLIENTS, {"email": "ada@example.com", "id": "cli_none"}, 0),
    )
    for kind, filters, total in asked:
        assert (await reference.page(conn, kind, ORG, PAGE, filters)).total == total
