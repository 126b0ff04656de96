"""The web layer: keys and scopes, one error shape, bounds, and a description of what is served."""

import asyncio
import functools
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from jsonschema import Draft202012Validator
from pydantic import Field

from chassis.crypto import Sealer
from chassis.identity import Identity, IdentityError, KeyKind
from chassis.postgres import Database
from chassis.unit import UnitOfWork
from chassis.web import Call, Data, Input, Output, Route, Text, create_web_app
from support.servers import Servers

Client = TestClient[Any, Any]


class NewThing(Input):
    name: Text
    size: int = Field(1, ge=1)
    more: dict[str, Any] = Field(default_factory=dict)


class Thing(Output):
    name: str
    size: int


class Colour(StrEnum):
    RED = "red"


class Filter(Input):
    size: int | None = None
    colour: Colour | None = None


class ThingError(Exception):
    code = "too_large"
    message = "no thing is larger than 99"
    param = "size"
    details = None


@dataclass
class Things:
    """A service of one table, with an operation for each way to fail."""

    database: Database
    units: UnitOfWork

    async def create(self, call: Call) -> NewThing:
        new: NewThing = call.body
        if new.size > 99:
            raise ThingError
        async with self.units.begin(call.once) as unit:
            await unit.conn.execute("INSERT INTO things VALUES ($1, $2)", call.caller.org_id, new.name)
            unit.answer(new)
        return new

    async def count(self, call: Call) -> Thing:
        async with self.database.connection() as connection:
            return Thing(name=call.caller.org_id, size=await connection.fetchval("SELECT count(*) FROM things"))

    async def fail(self, _: Call) -> Thing:
        raise RuntimeError("the password is hunter2")

    def routes(self) -> list[Route]:
        def shown(new: NewThing) -> Data[Thing]:
            return Data[Thing](data=Thing(name=new.name, size=new.size))

        create = functools.partial(
            Route, scope="bookings.manage", body=NewThing, answer=Data[Thing], render=shown, status=201
        )
        read = functools.partial(Route, scope="bookings.read", answer=Thing)
        return [
            create("POST", "/api/v1/things", self.create, summary="Make a thing", errors=("too_large",)),
            read("GET", "/api/v1/things", self.count, summary="Count", query=Filter),
            read("GET", "/api/v1/broken/{id}", self.fail, summary="Fail", headers={"If-Match": "What was seen."}),
            read("GET", "/api/v1/inner", self.count, summary="Count for staff", staff_only=True),
        ]


@pytest.fixture
async def client(db: Database, identity: Identity) -> AsyncIterator[Client]:
    async with db.connection() as connection:
        await connection.execute("CREATE TABLE things (org_id text, name text)")
    app = create_web_app(
        title="Things",
        version="1",
        routes=Things(db, UnitOfWork(db, lambda: None)).routes(),
        statuses={"too_large": 409},
        identity=identity,
        sealer=Sealer(secrets.token_bytes(32)),
        rate_limits=None,
        checks={"database": db.answers},
    )
    async with TestClient(TestServer(app)) as serving:
        yield serving


@pytest.fixture
async def key(identity: Identity) -> str:
    org = await identity.create_organization("Tests")
    return (await identity.create_key(org, KeyKind.STAFF, ["bookings.manage"], name="tests")).key


def bearer(key: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}", **more}


async def error_of(response: aiohttp.ClientResponse) -> dict[str, Any]:
    body = await response.json()
    assert set(body) == {"error"}
    assert body["error"]["request_id"] == response.headers["X-Request-Id"]
    return dict(body["error"])


async def test_a_request_goes_through(client: Client, key: str) -> None:
    response = await client.post("/api/v1/things", json={"name": "  a "}, headers={"X-API-Key": key})

    assert response.status == 201
    assert await response.json() == {"data": {"name": "a", "size": 1}}


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "unauthenticated"),
        ({"Authorization": "Bearer wk_live_unknown"}, 401, "unauthenticated"),
        ({"Authorization": "Basic abc"}, 401, "unauthenticated"),
    ],
)
async def test_without_a_key_nothing(client: Client, headers: dict[str, str], status: int, code: str) -> None:
    response = await client.post("/api/v1/things", json={"name": "a"}, headers=headers)

    assert (response.status, (await error_of(response))["code"]) == (status, code)
    assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_scopes_kinds_and_revocation(client: Client, identity: Identity) -> None:
    org = await identity.create_organization("Scopes")
    reader = await identity.create_key(org, KeyKind.STAFF, ["bookings.read"], name="reader")
    guest = await identity.create_key(org, KeyKind.CLIENT, ["bookings.read"], name="guest", client_id="cl_1")
    revoked = await identity.create_key(org, KeyKind.ADMIN, ["*"], name="revoked")
    assert await identity.revoke_key(revoked.id)

    answers = [
        (await client.get("/api/v1/things", headers=bearer(reader.key))).status,
        (await client.post("/api/v1/things", json={"name": "a"}, headers=bearer(reader.key))).status,
        (await client.get("/api/v1/inner", headers=bearer(guest.key))).status,
        (await client.get("/api/v1/things", headers=bearer(revoked.key))).status,
    ]

    assert answers == [200, 403, 403, 401]
    assert not await identity.revoke_key(revoked.id)
    records = await identity.list_keys(org)
    assert [(record.name, record.revoked_at is not None) for record in records] == [
        ("reader", False),
        ("guest", False),
        ("revoked", True),
    ]


@pytest.mark.parametrize(
    ("kind", "scopes", "client_id", "reason"),
    [
        (KeyKind.STAFF, [], None, "at least one scope"),
        (KeyKind.STAFF, ["bookings.eat"], None, r"unknown scope: bookings\.eat"),
        (KeyKind.CLIENT, ["bookings.read"], None, "names its client"),
        (KeyKind.CLIENT, ["*"], "cl_1", r"cannot hold \*"),
        (KeyKind.CLIENT, ["webhooks.manage"], "cl_1", "cannot hold webhooks"),
        (KeyKind.CLIENT, ["schedules.read", "schedules.manage"], "cl_1", "cannot hold schedules.manage"),
        (KeyKind.ADMIN, ["*"], "cl_1", "only a client key"),
    ],
)
async def test_keys_that_cannot_be(
    identity: Identity, kind: KeyKind, scopes: list[str], client_id: str | None, reason: str
) -> None:
    org = await identity.create_organization("Refused")

    with pytest.raises(IdentityError, match=reason):
        await identity.create_key(org, kind, scopes, name="x", client_id=client_id)


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code", "param"),
    [
        (b'{"name": "a"', "application/json", 400, "invalid_json", None),
        (b'{"name": "\xff"}', "application/json", 400, "invalid_json", None),
        (b'{"name": "a"}', "text/plain", 415, "unsupported_media_type", None),
        (b"[]", "application/json", 422, "validation_failed", None),
        (b"", "application/json", 422, "validation_failed", "name"),
        (b'{"name": ""}', "application/json", 422, "validation_failed", "name"),
        (b'{"name": "a", "size": 0}', "application/json", 422, "validation_failed", "size"),
        (b'{"name": "a", "colour": 1}', "application/json", 422, "validation_failed", "colour"),
        (b'{"name": "a\\u0000"}', "application/json", 422, "validation_failed", "name"),
        (b'{"name": "a", "more": {"x": ["\\u0000"]}}', "application/json", 422, "validation_failed", "more.x.0"),
        (b'{"name": "a", "size": 100}', "application/json", 409, "too_large", "size"),
        (b'{"name": "' + b"a" * 256 * 1024 + b'"}', "application/json", 413, "body_too_large", None),
    ],
)
async def test_bad_bodies_are_told_and_change_nothing(
    client: Client, key: str, db: Database, body: bytes, content_type: str, status: int, code: str, param: str | None
) -> None:
    response = await client.post("/api/v1/things", data=body, headers=bearer(key, **{"Content-Type": content_type}))

    error = await error_of(response)
    assert (response.status, error["code"], error.get("param")) == (status, code, param)
    async with db.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM things") == 0


async def test_a_422_names_every_bad_field_and_its_rule(client: Client, key: str) -> None:
    response = await client.post("/api/v1/things", json={"name": "", "size": "big"}, headers=bearer(key))

    errors = (await error_of(response))["details"]["errors"]
    assert [(one["param"], one["rule"]) for one in errors] == [("name", "string_too_short"), ("size", "int_parsing")]


@pytest.mark.parametrize(
    ("path", "status", "param"),
    [("?size=1&size=2", 422, "size"), ("?colour=1", 422, "colour"), ("?size=%00", 422, "size"), ("?size=3", 200, None)],
)
async def test_queries_are_checked(client: Client, key: str, path: str, status: int, param: str | None) -> None:
    response = await client.get(f"/api/v1/things{path}", headers=bearer(key))

    assert response.status == status
    if param:
        assert (await error_of(response))["param"] == param


async def test_unknown_paths_and_methods_have_the_same_shape(client: Client, key: str) -> None:
    nowhere = await client.get("/api/v1/nothing", headers=bearer(key))
    put = await client.put("/api/v1/things", headers=bearer(key))

    assert (nowhere.status, (await error_of(nowhere))["code"]) == (404, "not_found")
    assert (put.status, (await error_of(put))["code"], put.headers["Allow"]) == (405, "method_not_allowed", "GET, POST")


async def test_a_500_tells_nothing_of_our_insides(client: Client, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    response = await client.get("/api/v1/broken/1", headers=bearer(key))

    error = await error_of(response)
    assert (response.status, error["code"]) == (500, "internal_error")
    assert "hunter2" not in str(error)
    assert "hunter2" in "".join(capsys.readouterr())


async def test_request_id_and_trace_go_in_and_out(client: Client, key: str) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    kept = await client.get("/api/v1/things", headers=bearer(key, **{"X-Request-Id": "mine-1", "traceparent": trace}))
    made = await client.get(
        "/api/v1/things", headers=bearer(key, **{"X-Request-Id": "with space", "traceparent": "00-0-0-0"})
    )

    assert (kept.headers["X-Request-Id"], kept.headers["traceparent"]) == ("mine-1", trace)
    assert made.headers["X-Request-Id"].startswith("req_")
    assert "traceparent" not in made.headers


async def test_the_same_post_twice_is_one_change_and_one_answer(client: Client, key: str, db: Database) -> None:
    headers = bearer(key, **{"Idempotency-Key": "once"})
    first = await client.post("/api/v1/things", json={"name": "a"}, headers=headers)
    again = await client.post("/api/v1/things", json={"name": "a"}, headers=headers)
    other = await client.post("/api/v1/things", json={"name": "b"}, headers=headers)
    bad = await client.post("/api/v1/things", json={"name": "b"}, headers=bearer(key, **{"Idempotency-Key": "a b"}))

    assert (first.status, again.status) == (201, 201)
    assert await first.read() == await again.read()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status, (await error_of(other))["code"]) == (422, "idempotency_key_reused")
    assert (bad.status, (await error_of(bad))["param"]) == (422, "Idempotency-Key")
    async with db.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM things") == 1


async def test_while_the_database_is_away_answers_are_503_and_readiness_tells(
    client: Client, key: str, servers: Servers
) -> None:
    assert (await client.get("/api/v1/things", headers=bearer(key))).status == 200
    assert (await client.get("/readyz")).status == 200
    await asyncio.to_thread(servers.postgres.kill)
    try:
        away = await client.get("/api/v1/things", headers=bearer(key))
        ready = await client.get("/readyz")
        alive = await client.get("/healthz")
    finally:
        await asyncio.to_thread(servers.postgres.start)

    assert (away.status, (await error_of(away))["code"], away.headers["Retry-After"]) == (503, "unavailable", "1")
    assert (ready.status, await ready.json()) == (503, {"status": "unavailable", "checks": {"database": False}})
    assert alive.status == 200


async def test_what_is_served_is_described(client: Client, key: str) -> None:
    document = await (await client.get("/openapi.json")).json()
    created = await (await client.post("/api/v1/things", json={"name": "a"}, headers=bearer(key))).json()
    refused = await (await client.post("/api/v1/things", json={}, headers=bearer(key))).json()

    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]) == {"/api/v1/things", "/api/v1/broken/{id}", "/api/v1/inner"}
    responses = document["paths"]["/api/v1/things"]["post"]["responses"]
    assert set(responses) == {"201", "400", "401", "403", "409", "413", "415", "422", "429", "503"}
    for status, answer in (("201", created), ("422", refused)):
        schema = responses[status]["content"]["application/json"]["schema"]
        Draft202012Validator({**schema, "components": document["components"]}).validate(answer)


def references(part: Any) -> list[str]:
    """Every `$ref` in a document."""
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [found for value in part.values() for found in references(value)]
    return [found for value in part for found in references(value)] if isinstance(part, list) else []


async def test_what_is_described_names_every_parameter_and_leads_nowhere_else(client: Client) -> None:
    document = await (await client.get("/openapi.json")).json()
    components = {f"#/components/{kind}/{name}" for kind, parts in document["components"].items() for name in parts}
    assert set(references(document)) <= components
    things = {one["name"]: one for one in document["paths"]["/api/v1/things"]["get"]["parameters"]}
    assert things["colour"]["schema"]["anyOf"][0] == {"$ref": "#/components/schemas/Colour"}
    broken = document["paths"]["/api/v1/broken/{id}"]["get"]
    assert [(one["name"], one["in"]) for one in broken["parameters"]] == [("id", "path"), ("If-Match", "header")]
    assert {"404", "422"} <= set(broken["responses"])


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
async def test_a_key_of_any_bytes_is_an_unknown_key(client: Client, header: str) -> None:
    url = client.make_url("/api/v1/things")
    value = b"Bearer \xff\xfe" if header == "Authorization" else b"\xff\xfe"
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(b"GET /api/v1/things HTTP/1.1\r\nHost: x\r\n%b: %b\r\n\r\n" % (header.encode(), value))
    assert (await reader.readline()).split()[1] == b"401"
    writer.close()


async def test_the_reference_page_needs_nothing_from_elsewhere(client: Client) -> None:
    page = await (await client.get("/docs")).text()

    assert "://" not in page
    assert (await client.get("/docs/static/swagger-ui-bundle.js")).status == 200


async def test_metrics_count_requests_by_route(client: Client, key: str) -> None:
    await client.get("/api/v1/broken/17", headers=bearer(key))

    text = await (await client.get("/metrics")).text()
    labels = 'http_request_method="GET",http_response_status_code="500",http_route="/api/v1/broken/{id}"'
    assert f"http_server_request_duration_seconds_count{{{labels}}}" in text
