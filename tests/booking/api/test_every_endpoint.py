"""Every operation that the service describes, asked by another organization for what is not its own (I10).

A path or a field that names something and is not known here fails: whoever adds one tells here whose it is.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from chassis.postgres import Database
from support.booking_service import SOON, Caller, Service
from support.furnished import BODIES, NEEDED, OWNERS, furnish
from support.waiting import all_ended

ONE = "/{id}"
# Whose absence is told as something else than a flaw of the field.
GONE = {"hold_id": (409, "hold_expired")}
# Fields that name an organization, that are told row by row, or that name what is another service's.
OTHERWISE = {"business_id", "ids", "waitlist_entry_id"}


@pytest.fixture
async def other(service: Service) -> Caller:
    """Staff of another organization."""
    return await service.caller()


@pytest.fixture
async def described(service: Service) -> dict[str, Any]:
    """The service's description of itself."""
    async with service.http.get(f"{service.base}/openapi.json") as response:
        document: dict[str, Any] = await response.json()
    return document


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation: its method, its path and what is said of it."""
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def properties(described: dict[str, Any], operation: dict[str, Any]) -> list[str]:
    """The fields of an operation's body."""
    if "requestBody" not in operation:
        return []
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    return list(described["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]["properties"])


def names_something(field: str) -> bool:
    """Tell whether a field or parameter holds an id."""
    return field.endswith(("_id", "_ids")) or field == "ids"


async def rows_of(db: Database, org_id: str) -> list[Any]:
    """All that an organization has in the service's tables."""
    async with db.connection() as conn:
        tables = await conn.fetch(
            "SELECT table_name AS name FROM information_schema.columns"
            " WHERE column_name = 'org_id' AND table_schema = 'public' ORDER BY name"
        )
        names = [table["name"] for table in tables]
        return [
            await conn.fetch(f"SELECT t::text FROM {name} t WHERE org_id = $1 ORDER BY 1", org_id) for name in names
        ]


async def test_nothing_that_is_named_by_its_path_is_there_for_another(
    described: dict[str, Any], staff: Caller, other: Caller, db: Database
) -> None:
    theirs = await furnish(staff)
    before = await rows_of(db, staff.org_id)
    asked = 0
    for method, path, operation in operations(described):
        if ONE not in path:
            continue
        concrete = path.replace("{id}", theirs[OWNERS[path.partition(ONE)[0]]])
        body = BODIES.get(path, {}) if "requestBody" in operation else None
        answer = await other.send(method, concrete, body)
        assert (answer.status, answer.code) == (404, "not_found"), f"{method} {path}: {answer}"
        asked += 1
    assert asked > 30
    assert await rows_of(db, staff.org_id) == before


async def test_nothing_that_is_named_in_a_body_is_there_for_another(
    described: dict[str, Any], staff: Caller, other: Caller, db: Database
) -> None:
    theirs, own = await furnish(staff), await furnish(other)
    before = await rows_of(db, staff.org_id)
    asked = 0
    for method, path, operation in operations(described):
        for field in filter(names_something, properties(described, operation)):
            if field in OTHERWISE:
                continue
            concrete = path.replace("{id}", own[OWNERS[path.partition(ONE)[0]]]) if ONE in path else path
            needed = {name: own[name] for name in NEEDED.get(path, ())}
            value: Any = [theirs[field]] if field.endswith("_ids") else theirs[field]
            body = {**BODIES.get(path, {}), **needed, field: value}
            answer = await other.send(method, concrete, body)
            expected = GONE.get(field, (422, "validation_failed"))
            assert (answer.status, answer.code) == expected, f"{method} {path} {field}: {answer}"
            assert answer.body["error"]["param"] == field, f"{method} {path} {field}: {answer}"
            asked += 1
    assert asked > 15
    assert await rows_of(db, staff.org_id) == before


async def test_no_list_or_filter_finds_anything_of_another(
    described: dict[str, Any], staff: Caller, other: Caller, db: Database
) -> None:
    theirs = await furnish(staff)
    await all_ended(db)
    ids = set(theirs.values())
    asked = 0
    for method, path, operation in operations(described):
        if method != "GET" or ONE in path or path == "/api/v1/availability":
            continue
        parameters = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
        named = [name for name in parameters if names_something(name) and name not in OTHERWISE]
        for query in ["", *(f"?{name}={theirs[name]}" for name in named)]:
            answer = await other.get(path + query)
            shown = str(answer.body)
            assert answer.status == 200, f"{path}{query}: {answer}"
            assert answer.data == []
            assert not [one for one in ids if one in shown]
            assert ids & set(str((await staff.get(path)).body).replace("'", " ").split()), path
            asked += 1
    assert asked > 15


async def test_free_time_of_another_is_not_told_nor_is_its_booking_taken_away(staff: Caller, other: Caller) -> None:
    theirs, own = await furnish(staff), await furnish(other)
    day = f"from={SOON:%Y-%m-%d}&to={SOON:%Y-%m-%d}&duration_minutes=60"
    for field in ("schedule_id", "location_id"):
        refused = await other.get(f"/api/v1/availability?{field}={theirs[field]}&{day}")
        assert (refused.status, refused.body["error"]["param"]) == (422, field)
    place = f"/api/v1/availability?schedule_id={own['schedule_id']}&{day}"
    refused = await other.get(f"{place}&event_type_id={theirs['event_type_id']}")
    assert (refused.status, refused.body["error"]["param"]) == (422, "event_type_id")
    same = await other.get(f"{place}&exclude_booking_id={theirs['exclude_booking_id']}")
    assert same.body == (await other.get(place)).body


async def test_a_bulk_request_finds_nothing_of_another(staff: Caller, other: Caller, db: Database) -> None:
    theirs = await furnish(staff)
    before = await rows_of(db, staff.org_id)
    body = {"ids": [theirs["exclude_booking_id"]], "status": "CANCELLED"}
    (result,) = (await other.post("/api/v1/bookings/bulk-status", body)).data
    assert result["error"]["code"] == "not_found"
    assert await rows_of(db, staff.org_id) == before
