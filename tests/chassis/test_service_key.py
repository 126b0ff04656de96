"""The key that the services call each other with: it opens every organization, one at a time, to who holds it."""

import base64
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from limits import RateLimitItemPerDay
from multidict import CIMultiDict
from pydantic import BaseModel

from chassis.crypto import Sealer
from chassis.identity import ORGANIZATION_HEADER, Identity, KeyKind
from chassis.web import Call, RateLimits, Route, create_web_app
from support.servers import Servers

Client = TestClient[web.Request, web.Application]
KEY = base64.b64encode(bytes(range(32))).decode()
OLD = base64.b64encode(bytes(32)).decode()


class Told(BaseModel):
    key_id: str
    org_id: str
    kind: KeyKind
    scopes: list[str]


async def tell(call: Call) -> Told:
    caller = call.caller
    return Told(key_id=caller.key_id, org_id=caller.org_id, kind=caller.kind, scopes=sorted(caller.scopes))


def app_of(identity: Identity) -> web.Application:
    return create_web_app(
        title="Callers",
        version="1",
        routes=[Route("GET", "/caller", tell, "webhooks.manage", "Tell who calls", Told, staff_only=True)],
        statuses={},
        identity=identity,
        sealer=Sealer(secrets.token_bytes(32)),
        rate_limits=RateLimits(RateLimitItemPerDay(2)),
        checks={},
    )


@pytest.fixture
async def client(servers: Servers, identity: Identity) -> AsyncIterator[Client]:  # noqa: ARG001 - it migrates
    async with serving(servers, KEY, OLD) as client:
        yield client


@asynccontextmanager
async def serving(servers: Servers, *keys: str) -> AsyncIterator[Client]:
    known, database = Identity.on(servers.postgres_url, keys)
    async with database.opened(), TestClient(TestServer(app_of(known))) as client:
        yield client


@pytest.fixture
async def org(identity: Identity) -> str:
    return await identity.create_organization("Tests")


def bearer(key: str, org_id: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}", ORGANIZATION_HEADER: org_id}


async def test_it_opens_the_organization_that_is_named(client: Client, identity: Identity, org: str) -> None:
    for named in (org, await identity.create_organization("Others"), org):
        for headers in (bearer(KEY, named), {"X-API-Key": KEY, ORGANIZATION_HEADER.lower(): named}):
            answer = await client.get("/caller", headers=headers)
            assert await answer.json() == {"key_id": "service", "org_id": named, "kind": "service", "scopes": ["*"]}
            assert "RateLimit-Limit" not in answer.headers, "it was counted"


@pytest.mark.parametrize(
    ("named", "rule"),
    [
        ([], "must be given once"),
        (["org_a", "org_a"], "must be given once"),
        ([""], "must be 1 to 128 visible ASCII characters"),
        (["org a"], "must be 1 to 128 visible ASCII characters"),
        (["örg"], "must be 1 to 128 visible ASCII characters"),
        (["o" * 129], "must be 1 to 128 visible ASCII characters"),
        (["org_none"], "must be the id of an organization"),
    ],
)
async def test_a_header_that_names_no_organization_is_refused(client: Client, named: list[str], rule: str) -> None:
    headers = CIMultiDict([("Authorization", f"Bearer {KEY}"), *((ORGANIZATION_HEADER, one) for one in named)])
    answer = await client.get("/caller", headers=headers)
    error = (await answer.json())["error"]
    assert (answer.status, error["code"], error["param"]) == (422, "validation_failed", ORGANIZATION_HEADER)
    assert error["message"].startswith(f"{ORGANIZATION_HEADER}: {rule}")


@pytest.mark.parametrize("key", ["", KEY[:-1], KEY.swapcase(), f"{KEY}=", "\udcff"])
async def test_a_wrong_key_opens_nothing(client: Client, org: str, key: str) -> None:
    answer = await client.get("/caller", headers=bearer(key, org))
    assert (answer.status, (await answer.json())["error"]["code"]) == (401, "unauthenticated")


async def test_while_services_change_their_key_those_with_either_understand_each_other(
    servers: Servers, org: str
) -> None:
    """Each is given the new key first as one that it accepts, then calls with it, then forgets the old one."""
    steps = [(OLD,), (OLD, KEY), (KEY, OLD), (KEY,)]
    for before, after in pairwise(steps):
        for called, calling in ((before, after), (after, before), (after, after)):
            async with serving(servers, *called) as client:
                answer = await client.get("/caller", headers=bearer(calling[0], org))
                assert (called, calling, answer.status) == (called, calling, 200)
    async with serving(servers, KEY) as client:
        assert (await client.get("/caller", headers=bearer(OLD, org))).status == 401


async def test_without_the_setting_there_is_no_such_key(identity: Identity, org: str) -> None:
    async with TestClient(TestServer(app_of(identity))) as client:
        for key in (KEY, ""):
            assert (await client.get("/caller", headers=bearer(key, org))).status == 401


async def test_a_key_of_an_organization_opens_no_other(client: Client, identity: Identity, org: str) -> None:
    other = await identity.create_organization("Others")
    for kind in (KeyKind.SERVICE, KeyKind.ADMIN):
        created = await identity.create_key(org, kind, ["*"], name="a program")
        answers = [await client.get("/caller", headers=bearer(created.key, other)) for _ in range(3)]
        told: Mapping[str, str] = await answers[0].json()
        assert (told["key_id"], told["org_id"], told["kind"]) == (created.id, org, kind)
        assert [answer.status for answer in answers] == [200, 200, 429]
