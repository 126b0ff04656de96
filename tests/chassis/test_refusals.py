"""Operations whose family answers errors in a shape of its own: served so, described so, and no others so."""

import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from chassis.crypto import Sealer
from chassis.identity import Identity, KeyKind
from chassis.web import ApiError, Call, Input, Output, Refusals, Route, create_web_app

Client = TestClient[Any, Any]
PATH, PLAIN = "/platform/v1/things", "/api/v1/things"


class NewThing(Input):
    name: str


class Refused(Output):
    status: str = "Error"
    error: str


class TakenError(Exception):
    code = "taken"
    message = "the name is taken"
    param = "name"
    details = None


async def create(call: Call) -> NewThing:
    new: NewThing = call.body
    if new.name == "taken":
        raise TakenError
    if new.name == "broken":
        raise RuntimeError("the password is hunter2")
    return new


def _refuse(error: ApiError) -> Refused:
    return Refused(error=f"Sorry: {error.message}")


@pytest.fixture
async def client(identity: Identity) -> AsyncIterator[Client]:
    refusals = Refusals(Refused, _refuse, {"taken": 422})
    routes = [
        Route(
            "POST",
            path,
            create,
            scope="bookings.manage",
            summary="Make a thing",
            answer=NewThing,
            body=NewThing,
            errors=("taken",),
            refusals=shape,
        )
        for path, shape in ((PATH, refusals), (PLAIN, None))
    ]
    app = create_web_app(
        title="Things",
        version="1",
        routes=routes,
        statuses={"taken": 409},
        identity=identity,
        sealer=Sealer(secrets.token_bytes(32)),
        rate_limits=None,
        checks={},
    )
    async with TestClient(TestServer(app)) as serving:
        yield serving


@pytest.fixture
async def headers(identity: Identity) -> dict[str, str]:
    org_id = await identity.create_organization("Test")
    key = await identity.create_key(org_id, KeyKind.STAFF, ["bookings.manage"], name="test")
    return {"Authorization": f"Bearer {key.key}"}


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"name": "taken"}, 422, "Sorry: the name is taken"),
        ({}, 422, "Sorry: name: Field required"),
        ({"name": "broken"}, 500, "Sorry: something went wrong on our side"),
    ],
)
async def test_whatever_is_refused_is_told_in_the_familys_shape(
    client: Client, headers: dict[str, str], body: dict[str, str], status: int, error: str
) -> None:
    answer = await client.post(PATH, json=body, headers=headers)
    assert (answer.status, await answer.json()) == (status, {"status": "Error", "error": error})
    assert answer.headers["X-Request-Id"].startswith("req_")


async def test_who_has_no_key_is_told_so_in_that_shape_too(client: Client) -> None:
    answer = await client.post(PATH, json={})
    assert (answer.status, list(await answer.json())) == (401, ["status", "error"])
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_every_other_operation_keeps_the_one_shape(client: Client, headers: dict[str, str]) -> None:
    answer = await client.post(PLAIN, json={"name": "taken"}, headers=headers)
    assert (answer.status, (await answer.json())["error"]["code"]) == (409, "taken")


async def test_both_are_described_as_they_are_served(client: Client) -> None:
    document = await (await client.get("/openapi.json")).json()

    def responses(path: str) -> dict[str, str]:
        told = document["paths"][path]["post"]["responses"]
        return {
            status: one["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]
            for status, one in told.items()
        }

    own, plain = responses(PATH), responses(PLAIN)
    assert {own.pop("200"), plain.pop("200")} == {"NewThing"}
    assert (set(own.values()), set(plain.values())) == ({"Refused"}, {"ErrorAnswer"})
    assert "`taken`" in document["paths"][PATH]["post"]["responses"]["422"]["description"]
    assert "`taken`" in document["paths"][PLAIN]["post"]["responses"]["409"]["description"]
