"""The booking service answers as its OpenAPI document says, whatever it is asked.

`SLOTWIRE_PROOF_EXAMPLES` asks each operation so many times.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from chassis.identity import KeyKind
from support.booking_service import SOON, Caller, Service, running_service, somebody, text
from support.contract import Contract
from support.furnished import BODIES, NEEDED, OWNERS, furnish
from support.servers import Servers

# The service draws its jitter in this process too, and hypothesis takes that for a strategy's.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
EXAMPLES = int(os.environ.get("SLOTWIRE_PROOF_EXAMPLES", "8"))


@pytest.fixture(scope="module")
async def unlimited(servers: Servers) -> AsyncIterator[Service]:
    """The service without limits on how often a key may call."""
    async with running_service(servers, rate_limit_per_minute=0) as running:
        yield running


async def contract(service: Service, staff: Caller, caller: Caller) -> Contract:
    """What the service says, with ids of an organization that has one of everything."""
    ids = await furnish(staff)
    bookings = [ids["exclude_booking_id"]]
    for day, status in enumerate(("CONFIRMED", "CANCELLED"), 1):
        made = await caller.book(schedule_id=ids["schedule_id"], at=SOON + timedelta(days=day))
        bookings.append(made.data["id"])
        await staff.patch(f"/api/v1/bookings/{bookings[-1]}", {"status": status})
    starts = [text(SOON + timedelta(minutes=30 * number)) for number in range(-4, 40)]
    dates = [text(SOON)[:10], text(SOON + timedelta(days=1))[:10]]
    values: dict[str, list[Any]] = {
        **{name: [known] for name, known in ids.items()},
        "table_ids": [[ids["table_ids"]], []],
        "ids": [bookings, bookings[:1]],
        "start_time": starts[::2],
        "end_time": starts[1::2],
        "from": dates,
        "to": dates,
        "attendee": [somebody() for _ in range(9)],
        "party_size": [1, 2, 4],
        "limit": [1, 2, 50],
        "per_page": [1, 2],
        "timezone": ["Europe/Berlin", "UTC"],
        "business_id": [staff.org_id],
    }
    known = {path: [ids[owner]] for path, owner in OWNERS.items()}
    known |= {"/api/v1/bookings": bookings, "/v1/reservations": bookings}
    async with service.http.get(f"{service.base}/openapi.json") as response:
        document = await response.json()
    bodies = {path: {**body, **{name: ids[name] for name in NEEDED.get(path, ())}} for path, body in BODIES.items()}
    return Contract(service.base, document, caller.headers, values, known, bodies)


@pytest.mark.parametrize("kind", [KeyKind.STAFF, KeyKind.CLIENT])
async def test_every_answer_is_described(unlimited: Service, kind: KeyKind) -> None:
    staff = await unlimited.caller()
    caller = staff if kind is KeyKind.STAFF else await unlimited.client(staff.org_id, "cli_ada")
    seen = await asyncio.to_thread((await contract(unlimited, staff, caller)).check, EXAMPLES)
    expected = {200, 201, 404, 409, 422} if kind is KeyKind.STAFF else {200, 201, 403, 404, 422}
    assert seen.keys() >= expected
