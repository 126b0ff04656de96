"""One port in front of all services: who answers what, and what passes unchanged."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from devstack.gateway import Target, create_gateway, route
from devstack.ports import HOST, free_port

SERVICES = ("booking", "waitlist", "webhook-dispatcher", "calcom-sync")
READ_TIMEOUT = 0.5  # seconds


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/api/v1/bookings", Target("booking", "/api/v1/bookings")),
        ("/v1/reservations/bk_1/events", Target("booking", "/v1/reservations/bk_1/events")),
        ("/v2/settings/services", Target("booking", "/v2/settings/services")),
        ("/", Target("booking", "/")),
        ("/api/v1/waitlist", Target("waitlist", "/api/v1/waitlist")),
        ("/api/v1/waitlist/wle_1", Target("waitlist", "/api/v1/waitlist/wle_1")),
        ("/api/v1/waitlists", Target("booking", "/api/v1/waitlists")),
        ("/platform/v1/scheduling/waitlist", Target("waitlist", "/platform/v1/scheduling/waitlist")),
        ("/platform/v1/scheduling/waitlist/cancel", Target("waitlist", "/platform/v1/scheduling/waitlist/cancel")),
        ("/platform/v1/scheduling/bookings", Target("booking", "/platform/v1/scheduling/bookings")),
        ("/w/a.token", Target("waitlist", "/w/a.token")),
        ("/where", Target("booking", "/where")),
        ("/services/waitlist/docs", Target("waitlist", "/docs", "/services/waitlist")),
        ("/api/v1/webhooks", Target("webhook-dispatcher", "/api/v1/webhooks")),
        ("/api/v1/webhooks/subscriptions", Target("webhook-dispatcher", "/api/v1/webhooks/subscriptions")),
        ("/api/v1/webhooks-other", Target("booking", "/api/v1/webhooks-other")),
        ("/api/bookings/sync-calcom", Target("calcom-sync", "/api/bookings/sync-calcom")),
        ("/api/bookings/sync-calcom-other", Target("booking", "/api/bookings/sync-calcom-other")),
        ("/api/v1/integrations/calcom", Target("calcom-sync", "/api/v1/integrations/calcom")),
        ("/api/v1/integrations/calcom/runs", Target("calcom-sync", "/api/v1/integrations/calcom/runs")),
        ("/services/calcom-sync/docs", Target("calcom-sync", "/docs", "/services/calcom-sync")),
        ("/services/booking/docs", Target("booking", "/docs", "/services/booking")),
        ("/services/webhook-dispatcher", Target("webhook-dispatcher", "/", "/services/webhook-dispatcher")),
        ("/services/booking/a%2Fb", Target("booking", "/a%2Fb", "/services/booking")),
        ("/services/nobody/docs", None),
        ("/services/", None),
    ],
)
def test_who_answers(path: str, target: Target | None) -> None:
    assert route(path, dict.fromkeys(SERVICES, "")) == target


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def gateway() -> AsyncIterator[Callable[[Handler], Awaitable[aiohttp.ClientSession]]]:
    """Makes a session with a gateway in front of one service, `booking`, that answers with the given handler."""
    opened: list[TestServer | aiohttp.ClientSession] = []

    async def make(handler: Handler) -> aiohttp.ClientSession:
        service = web.Application()
        service.router.add_route("*", "/{path:.*}", handler)
        behind = TestServer(service, host=HOST)
        await behind.start_server()
        services = {"booking": str(behind.make_url("")), "webhook-dispatcher": dead}
        front = TestServer(create_gateway(services, read_timeout=READ_TIMEOUT), host=HOST)
        await front.start_server()
        session = aiohttp.ClientSession(front.make_url("/"), auto_decompress=False)
        opened.extend([session, front, behind])
        return session

    dead = f"http://{HOST}:{free_port()}"
    yield make
    for one in opened:
        await one.close()


Gateway = Callable[[Handler], Awaitable[aiohttp.ClientSession]]


@pytest.fixture
async def silence() -> AsyncIterator[asyncio.Event]:
    """What a handler waits for that is to say nothing more; it ends with the test."""
    over = asyncio.Event()
    yield over
    over.set()


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/metrics?name[]=up",
        "/%6Detrics",
        "/services/booking/metrics",
        "/services/booking/%6d%65trics",
        "/services/booking/./metrics",
        "/services/booking/docs/../metrics",
    ],
)
async def test_what_services_tell_operators_does_not_go_out(gateway: Gateway, path: str) -> None:
    async def telling(_: web.Request) -> web.Response:
        return web.Response(text="what operators see")

    session = await gateway(telling)
    for method in ("GET", "HEAD", "POST"):
        async with session.request(method, URL(path, encoded=True)) as answer:
            assert answer.status == 404
            assert "operators" not in await answer.text()
    async with session.get("/services/booking/metrics-of-mine") as answer:
        assert answer.status == 200


async def test_a_request_passes_as_it_is(gateway: Gateway) -> None:
    async def echo(request: web.Request) -> web.Response:
        told = {"method": request.method, "target": request.raw_path, "body": await request.text()}
        told |= {name: request.headers.get(name, "") for name in ("Authorization", "Host", "X-Forwarded-Prefix")}
        return web.json_response(told, status=207, headers={"X-Own": "kept", "X-Request-Id": "req_1"})

    session = await gateway(echo)
    headers = {"Authorization": "Bearer wk_test_x", "Host": "slotwire.example"}
    url = URL("/services/booking/a?b=%2Fc&b=d", encoded=True)
    async with session.patch(url, data="body", headers=headers) as answer:
        assert (answer.status, answer.headers["X-Own"], answer.headers["X-Request-Id"]) == (207, "kept", "req_1")
        assert await answer.json() == {
            "method": "PATCH",
            "target": "/a?b=%2Fc&b=d",
            "body": "body",
            "Authorization": "Bearer wk_test_x",
            "Host": "slotwire.example",
            "X-Forwarded-Prefix": "/services/booking",
        }


async def test_what_all_services_do_is_told_by_the_gateway(gateway: Gateway) -> None:
    async def tell(request: web.Request) -> web.Response:
        return web.json_response({"path": request.path})

    session = await gateway(tell)
    async with session.get("/openapi.json") as answer:
        assert (answer.status, answer.content_type) == (200, "application/json")
        document = await answer.json()
    assert document["info"]["title"] == "Slotwire"
    async with session.head("/openapi.json") as answer:
        assert answer.status == 200
    for method, path, told in (
        ("POST", "/openapi.json", "/openapi.json"),
        ("GET", "/openapi.jsonx", "/openapi.jsonx"),
        ("GET", "/services/booking/openapi.json", "/openapi.json"),
    ):
        async with session.request(method, path) as answer:
            assert await answer.json() == {"path": told}


async def test_headers_of_one_connection_stay_on_it(gateway: Gateway) -> None:
    async def tell(request: web.Request) -> web.Response:
        answer = web.json_response(list(request.headers))
        answer.headers["Connection"] = "X-Hop-Back"
        answer.headers["X-Hop-Back"] = "1"
        answer.headers["Keep-Alive"] = "timeout=1"
        return answer

    session = await gateway(tell)
    headers = {"Connection": "X-Hop, keep-alive", "X-Hop": "1", "TE": "trailers", "X-End": "1"}
    async with session.get("/", headers=headers) as answer:
        assert not {"X-Hop-Back", "Keep-Alive"} & set(answer.headers)
        passed = await answer.json()
    assert "X-End" in passed
    assert not {"X-Hop", "TE"} & set(passed)


async def test_bodies_stream_both_ways(gateway: Gateway) -> None:
    """Each piece is answered before the next one is sent: nothing waits for a whole body."""

    async def mirror(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        async for piece in request.content.iter_any():
            await answer.write(piece.upper())
        await answer.write_eof()
        return answer

    session = await gateway(mirror)
    answered = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"one", b"two"):
            answered.clear()
            yield piece
            await asyncio.wait_for(answered.wait(), 5)

    received = []
    async with session.post("/", data=pieces()) as answer:
        async for piece in answer.content.iter_any():
            received.append(piece)
            answered.set()
    assert received == [b"ONE", b"TWO"]


async def test_an_answer_that_breaks_off_does_not_look_whole(gateway: Gateway) -> None:
    async def break_off(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"half")
        assert request.transport is not None
        request.transport.abort()
        return answer

    session = await gateway(break_off)
    with pytest.raises(aiohttp.ClientPayloadError):
        async with session.get("/") as answer:
            await answer.read()


async def test_a_service_that_is_away_is_a_502_in_our_shape(gateway: Gateway) -> None:
    async def unused(_request: web.Request) -> web.Response:
        raise AssertionError("the other service was asked")

    session = await gateway(unused)
    async with session.get("/api/v1/webhooks/subscriptions", headers={"X-Request-Id": "mine"}) as answer:
        error = (await answer.json())["error"]
        assert (answer.status, answer.headers["X-Request-Id"]) == (502, "mine")
    assert error["code"] == "bad_gateway"
    assert error["request_id"] == "mine"
    assert "webhook-dispatcher" in error["message"]


async def test_a_service_that_says_nothing_is_a_504_in_our_shape(gateway: Gateway, silence: asyncio.Event) -> None:
    async def keep_silent(request: web.Request) -> web.Response:
        await request.read()
        await silence.wait()
        return web.Response()

    session = await gateway(keep_silent)
    async with session.post("/api/v1/bookings", data=b"body", headers={"X-Request-Id": "mine"}) as answer:
        error = (await answer.json())["error"]
        assert (answer.status, answer.headers["X-Request-Id"]) == (504, "mine")
    assert (error["code"], error["request_id"]) == ("gateway_timeout", "mine")
    assert "booking" in error["message"]


async def test_an_answer_that_falls_silent_is_broken_off(gateway: Gateway, silence: asyncio.Event) -> None:
    async def fall_silent(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"half")
        await silence.wait()
        return answer

    session = await gateway(fall_silent)
    with pytest.raises(aiohttp.ClientPayloadError):
        async with session.get("/") as answer:
            await answer.read()


async def test_a_body_may_take_longer_than_the_answer(gateway: Gateway) -> None:
    async def count(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(4):
            yield b"piece"
            await asyncio.sleep(READ_TIMEOUT / 2)

    session = await gateway(count)
    async with session.post("/", data=pieces()) as answer:
        assert (answer.status, await answer.text()) == (200, "20")


async def test_an_unknown_service_is_a_404_in_our_shape(gateway: Gateway) -> None:
    async def unused(_request: web.Request) -> web.Response:
        raise AssertionError("a service was asked")

    session = await gateway(unused)
    async with session.get("/services/nobody/docs") as answer:
        assert answer.status == 404
        assert (await answer.json())["error"]["code"] == "not_found"


@pytest.mark.parametrize("name", ["Slotwire-Organization", "slotwire-organization"])
@pytest.mark.parametrize("path", ["/api/v1/bookings", "/services/booking/docs", "/services/nobody/docs"])
async def test_what_services_tell_each_other_does_not_come_in(gateway: Gateway, name: str, path: str) -> None:
    async def unused(_request: web.Request) -> web.Response:
        raise AssertionError("a service was asked")

    session = await gateway(unused)
    for value in ("org_1", ""):
        async with session.post(path, data=b"body", headers={name: value}) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (403, "forbidden")
