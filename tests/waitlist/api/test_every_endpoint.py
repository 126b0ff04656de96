"""Every operation that the service describes, asked by another organization for what is not its own (I10).

A path or a field that names something and is not known here fails: whoever adds one tells here whose it is.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from chassis.postgres import Database
from support.waitlist_service import DATE, EVENTS, PATH, Guest, WaitlistService, somebody

BODIES: dict[str, dict[str, Any]] = {
    PATH: {"requestedDate": DATE, "contact": somebody()},
    f"{PATH}/{{id}}": {"notes": "Mine now"},
    f"{PATH}/{{id}}/convert": {"startTime": "12:00", "endTime": "13:30"},
    f"{PATH}/{{id}}/notify": {},
    f"{PATH}/policies/{{id}}": {"maxEntries": 1},
}
DUE = ["queues", "sweep"]  # what they hold comes and goes by itself
# Fields that name something, and what names it in `furnish`.
NAMES = {
    "locationId": "location",
    "userId": "client",
    "eventInstanceId": "instance",
    "event_instance_id": "instance",
    "event_instance_uid": "instance",
    "client_id": "client",
    "client_uid": "client",
    "business_id": "org",
    "business_uid": "org",
    "tableId": "table",
}
FREE = {"matter_uid"}  # a word of the caller's own


@pytest.fixture
async def other(service: WaitlistService) -> Guest:
    """Staff of another organization."""
    return await service.staff()


@pytest.fixture
async def described(service: WaitlistService) -> dict[str, Any]:
    """The service's description of itself."""
    async with service.http.get(f"{service.base}/openapi.json") as response:
        document: dict[str, Any] = await response.json()
    return document


async def furnish(staff: Guest) -> dict[str, str]:
    """An organization with one of everything."""
    location_id, client_id, instance = await staff.location(), await staff.client(), await staff.full_instance()
    entry = await staff.joined(locationId=location_id, userId=client_id)
    joined = await staff.join_event(event_instance_id=instance["uid"], client_id=client_id)
    assert joined.status == 201
    await staff.waitlist.send("PUT", f"{PATH}/policies/{location_id}", {"maxEntries": 9})
    return {
        "org": staff.org_id,
        "location": location_id,
        "client": client_id,
        "instance": instance["uid"],
        "entry": entry["id"],
        "table": await staff.booking.table(location_id, 4),
    }


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation: its method, its path and what is said of it."""
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def fields(described: dict[str, Any], operation: dict[str, Any]) -> list[str]:
    """The fields of an operation's body that name something."""
    if "requestBody" not in operation:
        return []
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    names = described["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]["properties"]
    return [name for name in names if name.endswith(("Id", "_id", "_uid")) and name not in FREE]


async def rows_of(db: Database, org_id: str) -> list[Any]:
    """All that an organization has in the service's tables."""
    async with db.connection() as conn:
        tables = await conn.fetch(
            "SELECT table_name AS name FROM information_schema.columns"
            " WHERE column_name = 'org_id' AND table_schema = 'public' ORDER BY name"
        )
        names = [table["name"] for table in tables]
        assert names == sorted(["conversions", "entries", "offers", "policies", "refusals", *DUE])
        return [
            await conn.fetch(f"SELECT t::text FROM {name} t WHERE org_id = $1 ORDER BY 1", org_id)
            for name in names
            if name not in DUE
        ]


@pytest.mark.parametrize("who", ["staff", "service"])
async def test_nothing_that_is_named_by_its_path_is_there_for_another(
    service: WaitlistService, described: dict[str, Any], staff: Guest, other: Guest, db: Database, who: str
) -> None:
    """The guest's own page names nothing by its path: of its links `test_guest_links` tells."""
    theirs = await furnish(staff)
    headers = other.waitlist.headers if who == "staff" else service.booking.waitlist(other.org_id).headers
    caller = replace(other.waitlist, headers=headers)
    before = await rows_of(db, staff.org_id)
    asked = 0
    for method, path, operation in operations(described):
        if "{id}" not in path:
            continue
        concrete = path.replace("{id}", theirs["location" if "policies" in path else "entry"])
        body = BODIES[path] if "requestBody" in operation else None
        answer = await caller.send(method, concrete, body)
        assert (answer.status, answer.code) == (404, "not_found"), (method, path)
        asked += 1
    assert asked == 9
    assert await rows_of(db, staff.org_id) == before


async def test_nothing_that_a_body_names_is_there_for_another(
    described: dict[str, Any], staff: Guest, other: Guest, db: Database
) -> None:
    theirs, own = await furnish(staff), await furnish(other)
    before = await rows_of(db, staff.org_id)
    own_client = await other.client()
    asked = set()
    for method, path, operation in operations(described):
        named = fields(described, operation)
        for name in named:
            rest = {other_name: own[NAMES[other_name]] for other_name in named if path.startswith(EVENTS)}
            rest |= {field: own_client for field in rest if NAMES[field] == "client"}
            body = {**BODIES.get(path, {}), **rest, name: theirs[NAMES[name]]}
            if NAMES[name] == "client" and path == PATH:
                body["locationId"] = own["location"]
            if name == "eventInstanceId":
                body.pop("requestedDate")
            answer = await other.waitlist.send(method, path.replace("{id}", own["entry"]), body)
            assert answer.status == 422, (method, path, name, answer.body)
            told = answer.body["error"] if path.startswith(EVENTS) else answer.body["error"]["param"]
            assert told in {name, "Invalid business", "Invalid client", "Invalid event instance", "Not on the waitlist"}
            asked.add(name)
    assert asked == NAMES.keys()
    assert await rows_of(db, staff.org_id) == before


async def test_every_operation_needs_its_scope(
    service: WaitlistService, described: dict[str, Any], staff: Guest, db: Database
) -> None:
    """Seed 000: "Permissions: booking_waitlist.read", "booking_waitlist.manage"."""
    own = await furnish(staff)
    reader, manager, nobody = [
        await service.caller(staff.org_id, scopes=frozenset({scope}))
        for scope in ("booking_waitlist.read", "booking_waitlist.manage", "bookings.manage")
    ]
    before, asked = await rows_of(db, staff.org_id), 0
    for method, path, operation in operations(described):
        concrete = path.replace("{id}", own["location" if "policies" in path else "entry"])
        body = BODIES.get(path, {}) if "requestBody" in operation else None
        refused = [nobody] if method == "GET" else [reader, nobody]
        answers = [await key.send(method, concrete, body) for key in refused]
        assert [answer.status for answer in answers] == [403] * len(refused), (method, path)
        asked += 1
        if method == "GET":
            allowed = [await key.get(concrete) for key in (reader, manager)]
            assert [answer.status for answer in allowed] == [200, 200], path
    assert asked == len(list(operations(described))) >= 13
    assert await rows_of(db, staff.org_id) == before


async def test_lists_and_filters_find_nothing_of_another(staff: Guest, other: Guest) -> None:
    theirs = await furnish(staff)
    queries = (
        "",
        f"?locationId={theirs['location']}",
        f"?eventInstanceId={theirs['instance']}",
        f"?requestedDate={DATE}",
    )
    for query in queries:
        answer = await other.waitlist.get(f"{PATH}{query}")
        assert (answer.data, answer.body["pagination"]["total"]) == ([], 0)
        assert (await staff.waitlist.get(f"{PATH}{query}")).data != []


async def test_places_are_counted_within_an_organization(staff: Guest, other: Guest, db: Database) -> None:
    entry = await staff.joined(locationId=await staff.location())
    stranger = await other.joined(locationId=await other.location(), priority=9)
    async with db.connection() as conn:
        await conn.execute(
            "UPDATE entries SET queue = (SELECT queue FROM entries WHERE id = $2) WHERE id = $1",
            stranger["id"],
            entry["id"],
        )
    assert (await staff.waitlist.get(f"{PATH}/{entry['id']}")).data["position"] == 1
