"""The Caddyfile does what the embedded gateway does, path by path."""

import io
import json
from collections.abc import AsyncIterator
from functools import partial

import aiohttp
import pytest
from yarl import URL

from devstack.gateway import route
from devstack.openapi import DOCUMENT
from devstack.ports import HOST, free_port
from support.compose import Project, project, require_compose
from support.waiting import eventually

pytestmark = pytest.mark.timeout(180)

SERVICES = {"booking": "", "waitlist": "", "webhook-dispatcher": "", "calcom-sync": ""}
PATHS = [
    "/",
    "/api/v1/bookings",
    "/api/v1/bookings?limit=1&cursor=a%2Fb",
    "/v1/reservations/bk_1/events",
    "/v2/settings/services",
    "/api/v1/waitlist",
    "/api/v1/waitlist?page=2",
    "/api/v1/waitlist/policies/loc_1",
    "/api/v1/waitlists",
    "/platform/v1/scheduling/waitlist",
    "/platform/v1/scheduling/waitlist/cancel",
    "/platform/v1/scheduling/bookings",
    "/w/a.token",
    "/where",
    "/services/waitlist/docs",
    "/api/v1/webhooks",
    "/api/v1/webhooks/subscriptions",
    "/api/v1/webhooks/subscriptions/sub_1?x=1",
    "/api/v1/webhooks-other",
    "/api/bookings/sync-calcom",
    "/api/bookings/sync-calcom-other",
    "/api/v1/integrations/calcom",
    "/api/v1/integrations/calcom/runs?limit=1",
    "/api/v1/integrations",
    "/services",
    "/services/booking",
    "/services/booking/",
    "/services/booking/docs/static/swagger-ui.css",
    "/services/booking/a%2Fb",
    "/services/bookings/docs",
    "/services/webhook-dispatcher",
    "/services/webhook-dispatcher/openapi.json",
    "/openapi.jsonx",
    "/docs",
    "/services/calcom-sync/docs",
    "/services/nobody/docs",
    "/services/",
]


@pytest.fixture(scope="module")
async def rig() -> AsyncIterator[Project]:
    """The gateway in front of recorders."""
    require_compose()
    async with project("tests/e2e/gateway.compose.yml", SLOTWIRE_GATEWAY_PORT=str(free_port())) as rig:
        await rig.run("up", "--detach")
        yield rig


@pytest.fixture(scope="module")
async def gateway(rig: Project) -> AsyncIterator[aiohttp.ClientSession]:
    """A session whose base is the gateway, once both services are reached through it."""
    async with aiohttp.ClientSession(f"http://{HOST}:{rig.env['SLOTWIRE_GATEWAY_PORT']}") as session:
        for service in SERVICES:
            await eventually(partial(_answers, session, f"/services/{service}/"))
        yield session


async def _answers(session: aiohttp.ClientSession, path: str) -> bool:
    try:
        async with session.get(path) as answer:
            return answer.ok
    except aiohttp.ClientError:
        return False


@pytest.mark.parametrize("path", PATHS)
async def test_it_routes_as_the_embedded_gateway_does(gateway: aiohttp.ClientSession, path: str) -> None:
    plain, _, query = path.partition("?")
    target = route(plain, SERVICES)
    async with gateway.get(URL(path, encoded=True)) as answer:
        told = await answer.json(content_type=None)
    if target is None:
        assert (answer.status, told["error"]["code"]) == (404, "not_found")
    else:
        assert told["name"] == target.service
        assert told["path"] == target.path + (f"?{query}" if query else "")
        assert told["headers"].get("x-forwarded-prefix", "") == target.prefix


async def test_it_tells_what_all_services_do(gateway: aiohttp.ClientSession) -> None:
    async with gateway.get("/openapi.json") as answer:
        assert (answer.status, answer.content_type) == (200, "application/json")
        assert await answer.json() == json.loads(DOCUMENT.read_text())
    async with gateway.post("/openapi.json") as answer:
        assert (await answer.json(content_type=None))["name"] == "booking"


async def test_a_request_keeps_its_id_and_key(gateway: aiohttp.ClientSession) -> None:
    headers = {"X-Request-Id": 'odd"one', "Authorization": "Bearer wk_test_x", "Idempotency-Key": "k"}
    async with gateway.post("/api/v1/bookings", data=b"{}", headers=headers) as answer:
        told = await answer.json(content_type=None)
    assert {name: told["headers"][name.lower()] for name in headers} == headers
    assert told["body"] == "{}"
    assert "Server" not in answer.headers


@pytest.mark.parametrize("name", ["Slotwire-Organization", "slotwire-organization"])
@pytest.mark.parametrize("path", ["/api/v1/bookings", "/services/webhook-dispatcher/openapi.json", "/services/nobody"])
async def test_what_services_tell_each_other_does_not_come_in(
    gateway: aiohttp.ClientSession, name: str, path: str
) -> None:
    for value in ("org_1", ""):
        async with gateway.get(path, headers={name: value}) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/%6Detrics",
        "/services/booking/metrics",
        "/services/webhook-dispatcher/%6d%65trics?x=1",
        "/services/booking/./metrics",
        "/services/booking/docs/../metrics",
    ],
)
async def test_what_services_tell_operators_does_not_go_out(gateway: aiohttp.ClientSession, path: str) -> None:
    for method in ("GET", "POST"):
        async with gateway.request(method, URL(path, encoded=True)) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(("sent", "kept"), [("mine-1", True), ('odd"one', False), (None, False)])
async def test_an_answer_of_its_own_is_in_our_shape(
    gateway: aiohttp.ClientSession, sent: str | None, *, kept: bool
) -> None:
    headers = {} if sent is None else {"X-Request-Id": sent}
    async with gateway.get("/services/nobody", headers=headers) as answer:
        error = (await answer.json())["error"]
    assert set(error) == {"code", "message", "request_id"}
    assert error["request_id"] == answer.headers["X-Request-Id"]
    assert (error["request_id"] == sent) is kept


async def test_a_body_beyond_all_measure_is_not_carried(gateway: aiohttp.ClientSession) -> None:
    async with gateway.post("/api/v1/bookings", data=io.BytesIO(b"x" * 2_000_000)) as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (413, "body_too_large")


async def test_a_service_that_comes_back_is_waited_for_and_one_that_stays_away_is_a_502(
    rig: Project, gateway: aiohttp.ClientSession
) -> None:
    await rig.run("stop", "--timeout", "2", "webhook-dispatcher")
    async with gateway.get("/api/v1/webhooks/subscriptions") as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (502, "bad_gateway")
    async with gateway.get("/api/v1/bookings") as answer:
        assert answer.ok
    await rig.run("start", "webhook-dispatcher")
    await eventually(partial(_answers, gateway, "/api/v1/webhooks/subscriptions"), within=20)
