"""The receiver verifies a delivery as any subscriber would, and says what it found."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks.webhooks import Webhook

from devstack.ports import HOST, free_port
from devstack.receiver import SUBSCRIPTIONS, Receiver, receiving, subscribed
from devstack.stack import RefusedError, api_at

SECRET = f"whsec_{base64.b64encode(b'a secret of at least 24 bytes').decode()}"
BODY = json.dumps({"event": "reservation.created", "resourceId": "bk_1"})


def signed(body: str, secret: str = SECRET) -> dict[str, str]:
    """The headers that a delivery of `body` carries."""
    now = datetime.now(UTC)
    signature = Webhook(secret).sign("msg_1", now, body)
    return {"webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[Receiver, str]]:
    async with receiving(free_port()) as both:
        yield both


async def deliver(url: str, body: str, headers: Mapping[str, str]) -> int:
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
        return answer.status


async def test_a_true_signature_is_acknowledged() -> None:
    async with listening() as (receiver, url):
        receiver.expect(SECRET)
        assert await deliver(url, BODY, signed(BODY)) == 204
        arrival = receiver.arrivals.get_nowait()
    assert (arrival.webhook_id, arrival.payload, arrival.problem) == ("msg_1", json.loads(BODY), None)


OTHER = f"whsec_{base64.b64encode(b'another secret of many bytes').decode()}"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (BODY, signed(BODY, OTHER)),
        (BODY + " ", signed(BODY)),
        (BODY, {}),
        (BODY, {**signed(BODY), "webhook-timestamp": "yesterday"}),
        (BODY, {**signed(BODY), "webhook-timestamp": "1000000000"}),
        ("no JSON", signed(BODY)),
    ],
)
async def test_anything_else_is_refused_and_told(body: str, headers: Mapping[str, str]) -> None:
    async with listening() as (receiver, url):
        receiver.expect(SECRET)
        assert await deliver(url, body, headers) == 401
        assert receiver.arrivals.get_nowait().problem


async def test_a_delivery_before_the_secret_is_known_waits_for_it() -> None:
    async with listening() as (receiver, url):
        early = asyncio.create_task(deliver(url, BODY, signed(BODY)))
        await asyncio.sleep(0.1)
        assert not early.done()
        receiver.expect(SECRET)
        assert await early == 204


async def test_a_subscription_lasts_as_long_as_its_block() -> None:
    asked: list[tuple[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.method, request.path))
        if request.method == "DELETE":
            return web.Response(status=204)
        assert (await request.json())["events"] == ["reservation.*"]
        return web.json_response({"data": {"id": "sub_1", "secret": SECRET}}, status=201)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app, host=HOST) as server, api_at(str(server.make_url("")), "key") as api:
        receiver = Receiver()
        async with subscribed(api, receiver, "http://here/", ["reservation.*"]) as subscription:
            assert subscription == "sub_1"
            assert asked == [("POST", SUBSCRIPTIONS)]
        assert asked[1:] == [("DELETE", f"{SUBSCRIPTIONS}/sub_1")]


async def test_a_refused_subscription_is_told() -> None:
    async def refuse(_request: web.Request) -> web.Response:
        return web.Response(status=403, text="not you")

    app = web.Application()
    app.router.add_post(SUBSCRIPTIONS, refuse)
    async with TestServer(app, host=HOST) as server, api_at(str(server.make_url("")), "key") as api:
        with pytest.raises(RefusedError, match="403 not you"):
            async with subscribed(api, Receiver(), "http://here/", ["*"]):
                pytest.fail("the block was entered")
