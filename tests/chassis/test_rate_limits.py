"""The limits of keys: counted for each by itself, told in headers, and refused beyond."""

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerSecond
from pydantic import SecretStr

from chassis.crypto import Sealer
from chassis.identity import Identity, KeyKind
from chassis.service import Foundation
from chassis.settings import ServiceSettings
from chassis.web import Call, Input, Output, RateLimits, Route, create_web_app
from support.servers import Servers

TestServer.__test__ = False  # its name makes pytest take it for a test

Client = TestClient[Any, Any]
Serve = Callable[[RateLimitItem | None], AbstractAsyncContextManager[Client]]


class Word(Input):
    word: str


class Said(Output):
    words: list[str]


class Words:
    """A service that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    async def say(self, call: Call) -> Said:
        self.said.append(call.body.word)
        return Said(words=self.said)

    async def hear(self, _: Call) -> Said:
        return Said(words=self.said)

    async def fail(self, _: Call) -> Said:
        raise RuntimeError("on purpose")

    def routes(self) -> list[Route]:
        return [
            Route("POST", "/words", self.say, "bookings.manage", "Say", Said, body=Word, status=201),
            Route("GET", "/words", self.hear, "bookings.read", "Hear", Said),
            Route("GET", "/words/{id}", self.fail, "bookings.read", "Fail", Said),
            Route("GET", "/secrets", self.hear, "webhooks.read", "Hear what is not for everybody", Said),
        ]


@pytest.fixture
def serve(identity: Identity) -> Serve:
    @asynccontextmanager
    async def serving(limit: RateLimitItem | None) -> AsyncIterator[Client]:
        app = create_web_app(
            title="Words",
            version="1",
            routes=Words().routes(),
            statuses={},
            identity=identity,
            sealer=Sealer(secrets.token_bytes(32)),
            rate_limits=RateLimits(limit) if limit else None,
            checks={},
        )
        async with TestClient(TestServer(app)) as client:
            yield client

    return serving


@pytest.fixture
async def keys(identity: Identity) -> list[Mapping[str, str]]:
    """The headers of two keys of one organization."""
    org = await identity.create_organization("Tests")
    created = [await identity.create_key(org, KeyKind.STAFF, ["bookings.manage"], name=name) for name in ("a", "b")]
    return [{"X-API-Key": one.key} for one in created]


def told(headers: Mapping[str, str]) -> dict[str, int]:
    return {name.lower(): int(value) for name, value in headers.items() if name.lower().startswith("ratelimit-")}


async def test_a_key_is_told_what_remains_and_refused_beyond_it(serve: Serve, keys: list[Mapping[str, str]]) -> None:
    async with serve(RateLimitItemPerDay(3)) as client:
        answers = [await client.post("/words", json={"word": word}, headers=keys[0]) for word in ("a", "b", "c", "d")]
        error = (await answers[3].json())["error"]
        unread = await client.post("/words", data=b"{", headers=keys[0])
        kept = await (await client.get("/words", headers=keys[1])).json()

    assert [answer.status for answer in answers] == [201, 201, 201, 429]
    standings = [told(answer.headers) for answer in answers]
    assert [one["ratelimit-remaining"] for one in standings] == [2, 1, 0, 0]
    assert {one["ratelimit-limit"] for one in standings} == {3}
    assert all(1 <= one["ratelimit-reset"] <= 24 * 60 * 60 for one in standings)
    refused = answers[3]
    assert int(refused.headers["Retry-After"]) == standings[3]["ratelimit-reset"]
    assert (set(error), error["code"]) == ({"code", "message", "request_id"}, "rate_limited")
    assert error["request_id"] == refused.headers["X-Request-Id"]
    assert unread.status == 429
    assert kept == {"words": ["a", "b", "c"]}


async def test_who_waits_as_long_as_told_may_go_on(serve: Serve, keys: list[Mapping[str, str]]) -> None:
    async with serve(RateLimitItemPerSecond(3)) as client:
        for _ in range(100):  # four are enough, but for those that fall into the next second
            answer = await client.get("/words", headers=keys[0])
            if answer.status == 429:
                break
        assert answer.headers["Retry-After"] == "1"
        await asyncio.sleep(1)
        assert (await client.get("/words", headers=keys[0])).status == 200


async def test_keys_of_one_organization_do_not_share(serve: Serve, keys: list[Mapping[str, str]]) -> None:
    async with serve(RateLimitItemPerDay(1)) as client:
        statuses = [(await client.get("/words", headers=key)).status for key in (keys[0], keys[0], keys[1])]

    assert statuses == [200, 429, 200]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/words", b"{", 400),
        ("GET", "/secrets", None, 403),
        ("GET", "/words/%00", None, 404),
        ("POST", "/words", b" " * 300_000, 413),
        ("POST", "/words", b"{}", 422),
        ("GET", "/words/1", None, 500),
    ],
)
async def test_errors_count_and_tell_as_well(
    serve: Serve, keys: list[Mapping[str, str]], method: str, path: str, body: bytes | None, status: int
) -> None:
    headers = {**keys[0], "Content-Type": "application/json"}
    async with serve(RateLimitItemPerDay(3)) as client:
        answers = [await client.request(method, path, data=body, headers=headers) for _ in range(2)]

    assert [(one.status, told(one.headers)["ratelimit-remaining"]) for one in answers] == [(status, 2), (status, 1)]


async def test_without_a_key_nothing_is_counted(serve: Serve) -> None:
    async with serve(RateLimitItemPerDay(1)) as client:
        answers = [await client.get("/words", headers={"X-API-Key": "wk_test_unknown"}) for _ in range(3)]

    assert [(one.status, told(one.headers)) for one in answers] == [(401, {})] * 3


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"])
async def test_operations_have_no_limit(serve: Serve, keys: list[Mapping[str, str]], path: str) -> None:
    async with serve(RateLimitItemPerDay(1)) as client:
        answers = [await client.get(path, headers=keys[0]) for _ in range(3)]

    assert [(one.status, told(one.headers)) for one in answers] == [(200, {})] * 3


async def test_without_a_limit_nothing_tells_of_one(serve: Serve, keys: list[Mapping[str, str]]) -> None:
    async with serve(None) as client:
        answer = await client.get("/words", headers=keys[0])

    assert (answer.status, told(answer.headers)) == (200, {})


@pytest.mark.parametrize(("given", "limit"), [({}, 6000), ({"rate_limit_per_minute": 7}, 7)])
async def test_the_settings_give_the_limit(servers: Servers, given: dict[str, int], limit: int) -> None:
    limits = Foundation(settings(servers, **given), service="tests", publishes=()).rate_limits

    assert limits is not None
    standing = await limits.count("key_a")
    assert (standing.limit, standing.remaining) == (limit, limit - 1)
    assert standing.seconds <= 60


async def test_the_settings_may_give_none(servers: Servers) -> None:
    assert Foundation(settings(servers, rate_limit_per_minute=0), service="tests", publishes=()).rate_limits is None


def settings(servers: Servers, **more: int) -> ServiceSettings:
    key = SecretStr(base64.b64encode(bytes(32)).decode())
    given = {"kafka_bootstrap": "127.0.0.1:1", "secret_key": key, **more}
    return ServiceSettings.model_validate({"postgres_url": servers.postgres_url, **given})


async def test_those_that_called_least_lately_are_forgotten() -> None:
    limits = RateLimits(RateLimitItemPerDay(1), keys=2)

    allowed = [(await limits.count(key)).allowed for key in ("a", "b", "a", "c", "a", "b")]

    assert allowed == [True, True, False, True, False, True]


async def test_every_operation_is_described_with_its_limit(serve: Serve) -> None:
    async with serve(RateLimitItemPerDay(1)) as client:
        document = await (await client.get("/openapi.json")).json()

    standing = {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"}
    assert set(document["components"]["headers"]) == standing | {"Retry-After"}
    for operation in [one for path in document["paths"].values() for one in path.values()]:
        success, refused = (
            next(told for status, told in operation["responses"].items() if status in wanted)
            for wanted in ({"200", "201"}, {"429"})
        )
        assert set(success["headers"]) == standing
        assert set(refused["headers"]) == standing | {"Retry-After"}
        assert refused["description"] == "`rate_limited`"
