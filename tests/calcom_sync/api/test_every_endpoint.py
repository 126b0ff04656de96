"""Every operation that the service describes, asked by another organization for what is not its own (I10).

A path, a field or a parameter that names something and is not known here fails: whoever adds one tells whose it is.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from chassis.postgres import Database
from support.booking_service import SOON, Caller
from support.calcom import Courier, StandIn, standin
from support.calcom_service import API_KEY, INTEGRATION, CalcomService
from support.waiting import eventually

SYNC, RUNS, WEBHOOK = "/api/bookings/sync-calcom", f"{INTEGRATION}/runs", f"{INTEGRATION}/webhook/{{org}}"
OTHERS_KEY = "cal_live_of_the_other_one"
# Fields and parameters that name something, and what names it in `furnish`.
NAMES = {"organizationId": "org", "starting_after": "run"}
FREE = {"default_schedule_id"}  # booking's, which says whose it is when it takes a booking over


@dataclass(frozen=True)
class Furnished:
    """An organization with an integration, a run and a booking that it told of."""

    admin: Caller
    ids: dict[str, str]
    secret: str = field(repr=False)


@pytest.fixture
async def calcom() -> AsyncIterator[StandIn]:
    """A Cal.com with a booking."""
    async with standin(key=API_KEY) as running:
        running.life.create(SOON)
        yield running


@pytest.fixture
async def theirs(admin: Caller, calcom: StandIn) -> Furnished:
    """An organization with one of everything."""
    body = {"api_key": API_KEY, "base_url": calcom.url, "default_schedule_id": "sch_theirs", "enabled": False}
    made = (await admin.send("PUT", INTEGRATION, body)).data
    asking = asyncio.create_task(admin.post(SYNC, {"organizationId": admin.org_id}))

    async def is_over() -> bool:
        return [one["status"] for one in (await admin.get(RUNS)).body["data"]] == ["completed"]

    await eventually(is_over)
    asking.cancel()  # nobody answers here
    with suppress(asyncio.CancelledError):
        await asking
    (run,) = (await admin.get(RUNS)).body["data"]
    return Furnished(admin, {"org": admin.org_id, "run": run["id"]}, made["webhook_secret"])


@pytest.fixture
async def other(service: CalcomService) -> Caller:
    """An admin of another organization."""
    return await service.caller()


@pytest.fixture
async def described(service: CalcomService) -> dict[str, Any]:
    """The service's description of itself."""
    async with service.http.get(f"{service.base}/openapi.json") as response:
        document: dict[str, Any] = await response.json()
    return document


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation: its method, its path and what is said of it."""
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def named(described: dict[str, Any], operation: dict[str, Any]) -> set[str]:
    """The fields and parameters of an operation that name something."""
    names = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        names |= described["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]["properties"].keys()
    return {name for name in names if name.endswith(("Id", "_id", "_after"))} - FREE


async def rows_of(db: Database, org_id: str) -> list[Any]:
    """All that an organization has in the service's tables."""
    async with db.connection() as conn:
        tables = await conn.fetch(
            "SELECT table_name AS name FROM information_schema.columns"
            " WHERE column_name = 'org_id' AND table_schema = 'public' ORDER BY name"
        )
        found = [
            await conn.fetch(f"SELECT t::text FROM {one['name']} t WHERE org_id = $1 ORDER BY 1", org_id)
            for one in tables
        ]
        run_ids = [one["id"] for one in await conn.fetch("SELECT id FROM runs WHERE org_id = $1", org_id)]
        found += [
            await conn.fetch(f"SELECT t::text FROM {table} t WHERE run_id = ANY ($1) ORDER BY 1", run_ids)
            for table in ("run_items", "run_uids")
        ]
    return found


async def test_what_names_something_is_known_here(described: dict[str, Any]) -> None:
    found = {name for _, _, operation in operations(described) for name in named(described, operation)}
    assert found == NAMES.keys()
    assert {path for _, path, _ in operations(described)} == {SYNC, INTEGRATION, RUNS, f"{RUNS}/{{id}}", WEBHOOK}


async def test_nothing_of_another_is_there(
    described: dict[str, Any], theirs: Furnished, other: Caller, db: Database
) -> None:
    """Each operation, by one who has nothing: what is read is not found or empty, what is asked for is refused."""
    before, asked = await rows_of(db, theirs.admin.org_id), 0
    for method, path, operation in operations(described):
        if (method, path) == ("PUT", INTEGRATION) or path == WEBHOOK:  # which have tests of their own below
            continue
        names = named(described, operation)
        query = "".join(f"?{name}={theirs.ids[NAMES[name]]}" for name in names) if method == "GET" else ""
        body = {name: theirs.ids[NAMES[name]] for name in names} if method == "POST" else None
        answer = await other.send(method, path.replace("{id}", theirs.ids["run"]) + query, body)
        if path == RUNS:
            assert answer.body == {"data": [], "has_more": False}
        else:
            assert (answer.status, answer.code) == (404, "not_found"), (method, path)
        assert not [one for one in theirs.ids.values() if one in str(answer.body)]
        asked += 1
    assert asked == 5
    assert await rows_of(db, theirs.admin.org_id) == before


async def test_each_has_and_loses_its_own(theirs: Furnished, other: Caller, calcom: StandIn, db: Database) -> None:
    """Set, synced and deleted by one, at the same Cal.com, with another key: nothing of the other's is different."""
    before, shown = await rows_of(db, theirs.admin.org_id), (await theirs.admin.get(INTEGRATION)).data
    calcom.key = OTHERS_KEY
    made = await other.send("PUT", INTEGRATION, {"api_key": OTHERS_KEY, "base_url": calcom.url, "enabled": False})
    assert (made.status, made.data["api_key_ends"], made.data["default_schedule_id"]) == (200, OTHERS_KEY[-4:], None)
    told = (await other.post(SYNC, {"organizationId": other.org_id})).body
    assert told["details"] == {"unmapped_event_type": 1}  # by its own settings
    after_theirs = await other.get(f"{RUNS}?starting_after=run_zzzzzzzzzzzzzzzzzzzzzzzzzz")
    assert [one["id"] for one in after_theirs.body["data"]] == [told["run_id"]]
    assert [one["id"] for one in (await theirs.admin.get(RUNS)).body["data"]] == [theirs.ids["run"]]
    assert (await other.delete(INTEGRATION)).status == 200
    assert await rows_of(db, theirs.admin.org_id) == before
    assert (await theirs.admin.get(INTEGRATION)).data == shown


async def test_an_idempotency_key_is_each_ones_own(theirs: Furnished, other: Caller, calcom: StandIn) -> None:
    calcom.key = OTHERS_KEY
    await other.send("PUT", INTEGRATION, {"api_key": OTHERS_KEY, "base_url": calcom.url, "enabled": False})
    told = await other.post(SYNC, {"organizationId": other.org_id}, Idempotency_Key="once")
    assert told.status == 200
    mine = await theirs.admin.post(SYNC, {"organizationId": theirs.admin.org_id}, Idempotency_Key="once")
    assert mine.code == "calcom_unauthorized"  # the other's answer would be a success


async def test_a_webhook_that_another_has_signed_is_nobodys(
    theirs: Furnished, other: Caller, calcom: StandIn, db: Database
) -> None:
    made = await other.send("PUT", INTEGRATION, {"api_key": OTHERS_KEY, "base_url": calcom.url, "enabled": False})
    calcom.life.create(SOON + timedelta(hours=1))
    before = await rows_of(db, theirs.admin.org_id)
    url = f"{theirs.admin.base}{INTEGRATION}/webhook/{theirs.admin.org_id}"
    courier = Courier(calcom.life, url, secret=made.data["webhook_secret"])
    await courier.deliver()
    assert set(courier.answers) == {401}
    assert await rows_of(db, theirs.admin.org_id) == before
