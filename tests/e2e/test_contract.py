"""Behind the gateway, all services answer as the committed OpenAPI document says, whatever they are asked.

`SLOTWIRE_PROOF_EXAMPLES` asks each operation so many times. With keys of other kinds each service is asked in its own
tests.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
from aiohttp.test_utils import TestServer

from chassis.identity import KeyKind
from devstack.gateway import create_gateway
from devstack.openapi import DOCUMENT, drift, text_of
from devstack.services import SERVICES
from support.booking_service import Caller, running_service
from support.calcom_service import CalcomService, running_calcom_service
from support.contract import Contract
from support.known import deliver, known_to_booking, known_to_calcom, known_to_dispatcher, known_to_waitlist
from support.servers import Servers
from support.waitlist_service import Guest, running_waitlist
from support.webhook_service import running_webhook_service

# The services draw their jitter in this process too, and hypothesis takes that for a strategy's.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
EXAMPLES = int(os.environ.get("SLOTWIRE_PROOF_EXAMPLES", "3"))

TestServer.__test__ = False  # its name makes pytest take it for a test


@dataclass(frozen=True)
class Rig:
    """All services behind the gateway, and the admin of an organization, who asks there."""

    admin: Caller
    calcom: CalcomService


@pytest.fixture(scope="module")
async def rig(servers: Servers) -> AsyncIterator[Rig]:
    """The services without limits on how often a key may call."""
    async with AsyncExitStack() as stack:
        booking = await stack.enter_async_context(running_service(servers, rate_limit_per_minute=0))
        waitlist = await stack.enter_async_context(running_waitlist(servers, booking, rate_limit_per_minute=0))
        dispatcher = await stack.enter_async_context(running_webhook_service(servers, rate_limit_per_minute=0))
        calcom = await stack.enter_async_context(running_calcom_service(servers, rate_limit_per_minute=0))
        services = {
            "booking": booking.base,
            "waitlist": waitlist.base,
            "webhook-dispatcher": dispatcher.base,
            "calcom-sync": calcom.base,
        }
        gateway = await stack.enter_async_context(TestServer(create_gateway(services)))
        known = await booking.caller(kind=KeyKind.ADMIN)
        yield Rig(Caller(known.org_id, str(gateway.make_url("")).rstrip("/"), known.http, known.headers), calcom)


async def test_what_is_committed_is_what_the_services_say(rig: Rig) -> None:
    told = {service.name: (await rig.admin.get(f"/services/{service.name}/openapi.json")).body for service in SERVICES}
    assert list(drift(DOCUMENT, text_of(told))) == []
    assert told["waitlist"]["info"]["title"] == "Slotwire waitlist"


async def test_the_gateway_tells_what_is_committed(rig: Rig) -> None:
    answer = await rig.admin.get("/openapi.json")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.body == json.loads(DOCUMENT.read_text())


async def test_every_answer_is_described(rig: Rig) -> None:
    admin, guest = rig.admin, Guest(rig.admin, rig.admin)

    async def book() -> None:
        await admin.book(schedule_id=await admin.schedule())

    delivered = await deliver(admin, book)
    known = (
        await known_to_booking(admin, admin)
        | await known_to_waitlist(guest, guest)
        | known_to_dispatcher(delivered)
        | await known_to_calcom(rig.calcom.database, admin.org_id)
    )
    document = (await admin.get("/openapi.json")).body
    seen = await asyncio.to_thread(Contract(admin.base, document, admin.headers, known).check, EXAMPLES)
    assert seen.keys() >= {200, 201, 404, 409, 422}
