"""The waitlist service answers as its OpenAPI document says, whatever it is asked.

`SLOTWIRE_PROOF_EXAMPLES` asks each operation so many times.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest

from support.booking_service import running_service
from support.contract import Contract
from support.servers import Servers
from support.waitlist_service import DATE, EVENTS, PATH, Guest, WaitlistService, days_ahead, running_waitlist, somebody

# The service draws its jitter in this process too, and hypothesis takes that for a strategy's.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
EXAMPLES = int(os.environ.get("SLOTWIRE_PROOF_EXAMPLES", "8"))


@pytest.fixture(scope="module")
async def unlimited(servers: Servers) -> AsyncIterator[WaitlistService]:
    """The service without limits on how often a key may call."""
    async with (
        running_service(servers) as booking,
        running_waitlist(servers, booking, rate_limit_per_minute=0) as running,
    ):
        yield running


async def contract(service: WaitlistService, staff: Guest, caller: Guest) -> Contract:
    """What the service says, with ids of an organization that has one of everything."""
    location_id, clients = await staff.location(), [await staff.client() for _ in range(3)]
    instances = [await staff.full_instance(2) for _ in range(3)]
    joined = [await caller.joined(locationId=location_id, requestedDate=days_ahead(day)) for day in range(3)]
    for entry in joined[1:]:
        await caller.waitlist.delete(f"{PATH}/{entry['id']}")
    uids = [instance["uid"] for instance in instances]
    client_ids = clients if caller.client_id is None else [caller.client_id]
    values: dict[str, list[Any]] = {
        "locationId": [location_id],
        "eventInstanceId": uids,
        "event_instance_id": uids,
        "event_instance_uid": uids,
        "userId": client_ids,
        "client_id": client_ids,
        "client_uid": client_ids,
        "business_id": [staff.org_id],
        "business_uid": [staff.org_id],
        "requestedDate": [days_ahead(day) for day in range(3)],
        "preferredStartTime": ["18:00", None],
        "preferredEndTime": ["21:30", None],
        "contact": [somebody() for _ in range(3)],
        "partySize": [1, 2],
        "limit": [1, 2, 50],
        "page": [1, 2],
    }
    ids = {
        PATH: [entry["id"] for entry in joined],
        f"{PATH}/policies": [location_id, instances[0]["service_id"]],
    }
    bodies: dict[str, dict[str, Any]] = {
        PATH: {"locationId": location_id, "requestedDate": DATE, "contact": somebody()},
        f"{PATH}/{{id}}": {"notes": "By the window"},
        EVENTS: {"business_id": staff.org_id, "event_instance_id": uids[0], "client_id": client_ids[0]},
        f"{EVENTS}/cancel": {
            "business_uid": staff.org_id,
            "event_instance_uid": uids[0],
            "client_uid": client_ids[0],
        },
    }
    async with service.http.get(f"{service.base}/openapi.json") as response:
        document = await response.json()
    return Contract(service.base, document, caller.waitlist.headers, values, ids, bodies)


@pytest.mark.parametrize("kind", ["staff", "client"])
async def test_every_answer_is_described(unlimited: WaitlistService, kind: str) -> None:
    staff = await unlimited.staff()
    caller = staff if kind == "staff" else await unlimited.client(staff)
    seen = await asyncio.to_thread((await contract(unlimited, staff, caller)).check, EXAMPLES)
    expected = {200, 201, 404, 409, 422} if kind == "staff" else {200, 201, 403, 404, 422}
    assert seen.keys() >= expected
