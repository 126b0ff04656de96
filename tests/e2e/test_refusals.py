"""What is refused, over both services: the status, the code and the field at fault, and nothing has changed."""

import functools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from chassis.postgres import Connection, Database, database_url
from support.booking_service import Caller, Service, a_body, running_service
from support.servers import Servers
from support.waiting import eventually
from support.webhook_service import SUBSCRIPTIONS, WebhookService, running_webhook_service

BOOKINGS = "/api/v1/bookings"
OWN = "org_id = '{org}'"
KEPT = {
    "booking": dict.fromkeys(("bookings", "holds", "occupancy", "history", "outbox"), "true"),
    "webhooks": {
        "subscriptions": OWN,
        "deliveries": OWN,
        "attempts": f"delivery_id IN (SELECT id FROM deliveries WHERE {OWN})",
    },
}
"""The tables of each service, and which rows of them: what other tests left is still tried to be delivered."""
WEBHOOK = {"url": "https://example.com/hook", "events": ["*"]}
UNKNOWN_KEY = {"Authorization": f"Bearer wk_test_{'0' * 64}"}


@dataclass(frozen=True)
class Places:
    """Both services, somebody with a key for each of them, a booking that is over and a webhook subscription."""

    booking: Service
    webhooks: WebhookService
    callers: dict[str, Caller]
    schedule_id: str
    booking_id: str
    subscription_id: str

    @asynccontextmanager
    async def reading(self, service: str) -> AsyncIterator[Connection]:
        """Look into a service's database."""
        url = {"booking": self.booking.settings, "webhooks": self.webhooks.settings}[service].postgres_url
        database = {"booking": "booking", "webhooks": "webhook_dispatcher"}[service]
        watched = Database(database_url(url, database), pool_size=1, application="tests")
        async with watched.opened(), watched.connection() as conn:
            yield conn

    async def rows(self, service: str) -> dict[str, list[str]]:
        """Read what a service keeps."""
        org_id = self.callers[service].org_id
        async with self.reading(service) as conn:
            return {
                table: [
                    row[0]
                    for row in await conn.fetch(
                        f"SELECT t::text FROM {table} t WHERE {which.format(org=org_id)} ORDER BY 1"
                    )
                ]
                for table, which in KEPT[service].items()
            }


@dataclass(frozen=True)
class Refused:
    """A request, and how it must be refused; `{booking}` and the like in it stand for what is there."""

    service: str
    method: str
    path: str
    body: Any
    status: int
    code: str
    param: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.service} {self.method} {self.code} {self.param or ''}"


def both(method: str, body: Any, status: int, code: str, **more: Any) -> list[Refused]:
    """The same of both services."""
    return [
        Refused("booking", method, BOOKINGS, body, status, code, **more),
        Refused("webhooks", method, SUBSCRIPTIONS, body, status, code, **more),
    ]


TABLE = [
    # a bad body
    *both("POST", b"{", 400, "invalid_json"),
    *both("POST", b"<xml/>", 415, "unsupported_media_type", headers={"Content-Type": "text/xml"}),
    Refused("booking", "POST", BOOKINGS, {"schedule_id": "{schedule}"}, 422, "validation_failed", "start_time"),
    Refused(
        "booking", "POST", BOOKINGS, a_body(schedule_id="{schedule}", minutes=-5), 422, "validation_failed", "end_time"
    ),
    Refused("booking", "POST", BOOKINGS, a_body(schedule_id="{schedule}", x=1), 422, "validation_failed", "x"),
    Refused("webhooks", "POST", SUBSCRIPTIONS, {"url": WEBHOOK["url"]}, 422, "validation_failed", "events"),
    Refused("webhooks", "POST", SUBSCRIPTIONS, {**WEBHOOK, "events": ["no.such"]}, 422, "validation_failed", "events"),
    # a wrong key
    *both("POST", {}, 401, "unauthenticated", headers=UNKNOWN_KEY),
    *both("POST", {}, 401, "unauthenticated", headers={"Authorization": ""}),
    # an unknown id
    Refused("booking", "PATCH", f"{BOOKINGS}/bk_none", {"title": "x"}, 404, "not_found"),
    Refused("booking", "DELETE", f"{BOOKINGS}/bk_none", None, 404, "not_found"),
    Refused("booking", "POST", BOOKINGS, a_body(schedule_id="sch_none"), 422, "validation_failed", "schedule_id"),
    Refused("webhooks", "PATCH", f"{SUBSCRIPTIONS}/sub_none", {"events": ["*"]}, 404, "not_found"),
    Refused("webhooks", "DELETE", f"{SUBSCRIPTIONS}/sub_none", None, 404, "not_found"),
    # a wrong transition
    Refused(
        "booking",
        "PATCH",
        f"{BOOKINGS}/{{booking}}",
        {"status": "CONFIRMED"},
        409,
        "invalid_status_transition",
        "status",
    ),
    Refused(
        "booking",
        "PATCH",
        f"{BOOKINGS}/{{booking}}",
        {"title": "x"},
        409,
        "version_conflict",
        "If-Match",
        {"If-Match": "77"},
    ),
    # a body that is too large
    *both("POST", b'{"x": "%b"}' % (b"x" * 300_000), 413, "body_too_large"),
    # a webhook to somewhere private
    *[
        Refused("webhooks", "POST", SUBSCRIPTIONS, {**WEBHOOK, "url": url}, 422, "validation_failed", "url")
        for url in ("https://10.0.0.1/", "https://[fd00::1]/", "https://169.254.169.254/latest", "ftp://example.com/")
    ],
    Refused(
        "webhooks",
        "PATCH",
        f"{SUBSCRIPTIONS}/{{subscription}}",
        {"url": "https://192.168.1.1/"},
        422,
        "validation_failed",
        "url",
    ),
]


@pytest.fixture(scope="module")
async def places(servers: Servers) -> AsyncIterator[Places]:
    async with running_service(servers) as booking, running_webhook_service(servers) as webhooks:
        staff = await booking.caller()
        schedule_id = await staff.schedule()
        made = await staff.book(schedule_id=schedule_id)
        await staff.delete(f"{BOOKINGS}/{made.data['id']}")
        owner = await webhooks.caller()  # of another organization: no event of the booking is for its subscription
        subscription = await owner.post(SUBSCRIPTIONS, {**WEBHOOK, "url": "http://127.0.0.1:9/"})
        callers = {"booking": staff, "webhooks": owner}
        found = Places(booking, webhooks, callers, schedule_id, made.data["id"], subscription.data["id"])
        async with found.reading("booking") as conn:
            await conn.execute(
                "UPDATE holds SET expires_at = now()"
            )  # what other tests left expires now, and not later
        await eventually(functools.partial(is_quiet, found))
        yield found


async def is_quiet(places: Places) -> bool:
    """Tell whether what the fixture did has been published, and nothing is left to expire."""
    rows = await places.rows("booking")
    return not (rows["outbox"] or rows["holds"])


@pytest.mark.parametrize("refused", TABLE, ids=str)
async def test_it_is_refused_and_nothing_changes(places: Places, refused: Refused) -> None:
    caller = places.callers[refused.service]

    def fill(text: str) -> str:
        filled = text.replace("{booking}", places.booking_id).replace("{schedule}", places.schedule_id)
        return filled.replace("{subscription}", places.subscription_id)

    body = refused.body if isinstance(refused.body, bytes) else fill(json.dumps(refused.body)).encode()
    headers = {"Content-Type": "application/json", **caller.headers, **refused.headers}
    before = await places.rows(refused.service)
    url = caller.base + fill(refused.path)
    async with caller.http.request(refused.method, url, data=body, headers=headers) as response:
        answer = await response.json()
    error = answer["error"]
    assert (response.status, error["code"], error.get("param")) == (refused.status, refused.code, refused.param), error
    assert len(error["message"]) > 10
    assert error["request_id"] == response.headers["X-Request-Id"]
    assert await places.rows(refused.service) == before
