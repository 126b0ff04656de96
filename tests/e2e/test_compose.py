"""docker-compose.yml as a newcomer runs it: up, one booking's journey through the gateway's port, down and up again."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from standardwebhooks.webhooks import Webhook

from devstack.ports import HOST, free_port
from support.compose import Project, network, project, require_compose
from support.waiting import eventually

pytestmark = pytest.mark.timeout(900)

FILES = ("docker-compose.yml", "tests/e2e/compose.override.yml")
SERVICES = ("booking", "waitlist", "webhook-dispatcher", "calcom-sync")
SERVING = ("postgres", "kafka", *SERVICES, "gateway")
ONCE = ("init", *(f"{service}-migrate" for service in SERVICES))
OURS = (*ONCE, *SERVICES)
BOOKING = {
    "start_time": "2030-02-15T10:00:00Z",
    "end_time": "2030-02-15T11:00:00Z",
    "attendee": {"name": "John Doe", "email": "john@example.com"},
}


@pytest.fixture(scope="module")
async def stack() -> AsyncIterator[Project]:
    """Everything, up; webhooks may go to the project's own network and nowhere else that is private."""
    require_compose()
    async with network() as (name, subnet):
        env = {
            "SLOTWIRE_TAG": "tests",
            "SLOTWIRE_GATEWAY_PORT": str(free_port()),
            "SLOTWIRE_WEBHOOK_ALLOW_NETWORKS": json.dumps([subnet]),
            "SLOTWIRE_WEBHOOK_ALLOW_HTTP": "true",
            "SLOTWIRE_TEST_NETWORK": name,
            "SLOTWIRE_TEST_RECEIVER_PORT": str(free_port()),
        }
        async with project(*FILES, **env) as stack:
            await stack.run("build")
            await start(stack)
            yield stack


async def start(stack: Project) -> None:
    """Bring everything up and wait until it is healthy."""
    await stack.run("up", "--detach")
    expected = {**dict.fromkeys(SERVING, "healthy"), **dict.fromkeys(ONCE, "exited 0"), "receiver": "running 0"}

    async def healthy() -> bool:
        return await stack.states() == expected

    await eventually(healthy)


@dataclass(frozen=True)
class Client:
    """What a caller on the host reaches: the gateway with a key, and what the receiver got."""

    http: aiohttp.ClientSession
    receiver: str

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Make one request and answer the data of its answer, which must be a success."""
        async with self.http.request(method, path, json=body) as answer:
            told = await answer.json()
            assert answer.ok, told
            return told["data"]

    async def status(self, path: str) -> int:
        """The status that a GET is answered with."""
        async with self.http.get(path) as answer:
            return answer.status

    async def arrived(self, event: str, booking: str) -> dict[str, Any] | None:
        """The delivery of an event of a booking, if it has come."""
        async with self.http.get(self.receiver) as answer:
            arrivals = await answer.json(content_type=None)
        found = [one for one in arrivals if (told := json.loads(one["body"]))["event"] == event]
        return next((one for one in found if told["resourceId"] == booking), None)


@pytest.fixture
async def client(stack: Project) -> AsyncIterator[Client]:
    """A client with an admin key, which the operator's commands made."""
    org = (await stack.run("run", "--rm", "-T", "keys", "create-organization", "--name", "Bistro")).strip()
    words = ["--org", org, "--name", "test", "--kind", "admin", "--scope", "*"]
    key = (await stack.run("run", "--rm", "-T", "keys", "create", *words)).strip()
    base = f"http://{HOST}:{stack.env['SLOTWIRE_GATEWAY_PORT']}"
    async with aiohttp.ClientSession(base, headers={"Authorization": f"Bearer {key}"}) as http:
        yield Client(http, f"http://{HOST}:{stack.env['SLOTWIRE_TEST_RECEIVER_PORT']}/arrivals")


async def test_only_the_gateway_is_reached_from_outside(stack: Project) -> None:
    published = {name: one["HostConfig"]["PortBindings"] for name, one in (await stack.containers()).items()}
    gateway = published.pop("gateway")
    published.pop("receiver")
    assert gateway == {"8080/tcp": [{"HostIp": HOST, "HostPort": stack.env["SLOTWIRE_GATEWAY_PORT"]}]}
    assert not any(published.values())


async def test_our_containers_have_neither_root_nor_secrets(stack: Project) -> None:
    containers = await stack.containers()
    assert {containers[name]["Config"]["User"] for name in OURS} == {"10001:10001"}
    for name in SERVICES:
        assert (await stack.run("exec", "-T", name, "id", "-u")).strip() == "10001"
    password = (await stack.run("exec", "-T", "booking", "cat", "postgres_password")).strip()
    assert len(password) == 32
    told = json.dumps([one["Config"] for one in containers.values()])
    assert password not in told
    assert "SLOTWIRE_SECRET_KEY" not in told
    assert "SLOTWIRE_SERVICE_KEY" not in told


async def test_the_secrets_are_made_once(stack: Project) -> None:
    read = ("exec", "-T", "booking", "cat", "slotwire_secret_key", "slotwire_service_key", "slotwire_postgres_url")
    before = await stack.run(*read)
    await stack.run("run", "--rm", "-T", "init")
    assert await stack.run(*read) == before


async def test_the_gateway_tells_callers_of_everything_but_what_is_for_operators(client: Client) -> None:
    below = [f"/services/{name}" for name in SERVICES]
    told = {path: await client.status(path) for path in ("/metrics", *(f"{one}/metrics" for one in below))}
    assert set(told.values()) == {404}, told
    pages = [f"{one}/{page}" for one in below for page in ("readyz", "docs", "openapi.json")]
    told = {path: await client.status(path) for path in ("/readyz", "/openapi.json", "/api/v1/bookings", *pages)}
    assert set(told.values()) == {200}, told


async def test_a_booking_reaches_a_receiver_and_nothing_is_lost_by_down_and_up(stack: Project, client: Client) -> None:
    secret, booking = await subscribe_and_book(client)
    await receive(client, secret, "reservation.created", booking)
    before = await what_is_kept(client, booking)

    await stack.run("down")
    assert await stack.containers() == {}
    await start(stack)

    assert await what_is_kept(client, booking) == before
    await client.call("PATCH", f"/api/v1/bookings/{booking}", {"status": "CONFIRMED"})
    await receive(client, secret, "reservation.confirmed", booking)


async def subscribe_and_book(client: Client) -> tuple[str, str]:
    """Subscribe the receiver and make a booking; the subscription's secret and the booking's id."""
    subscription = {"url": "http://receiver:8080/hook", "events": ["reservation.*"]}
    secret = (await client.call("POST", "/api/v1/webhooks/subscriptions", subscription))["secret"]
    schedule = await client.call("POST", "/api/v1/schedules", {"name": "Room", "timezone": "UTC"})
    kind = await client.call("POST", "/api/v1/event-types", {"name": "Talk", "duration_minutes": 60})
    body = {**BOOKING, "schedule_id": schedule["id"], "event_type_id": kind["id"]}
    return secret, (await client.call("POST", "/api/v1/bookings", body))["id"]


async def what_is_kept(client: Client, booking: str) -> list[Any]:
    """What must not be lost: the booking, its history, the subscription."""
    paths = (
        f"/api/v1/bookings/{booking}",
        f"/v1/reservations/{booking}/events",
        "/api/v1/webhooks/subscriptions",
    )
    return [await client.call("GET", path) for path in paths]


async def receive(client: Client, secret: str, event: str, booking: str) -> None:
    """Wait for a delivery, and verify its signature as any subscriber would."""

    async def came() -> bool:
        return await client.arrived(event, booking) is not None

    await eventually(came)
    arrival = await client.arrived(event, booking)
    assert arrival is not None
    Webhook(secret).verify(arrival["body"], arrival["headers"])
