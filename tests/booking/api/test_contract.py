"""The booking service answers as its OpenAPI document says, whatever it is asked.

`SLOTWIRE_PROOF_EXAMPLES` asks each operation so many times.
"""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from chassis.identity import KeyKind
from support.booking_service import Service, running_service
from support.contract import Contract
from support.known import known_to_booking
from support.servers import Servers

# The service draws its jitter in this process too, and hypothesis takes that for a strategy's.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
EXAMPLES = int(os.environ.get("SLOTWIRE_PROOF_EXAMPLES", "8"))


@pytest.fixture(scope="module")
async def unlimited(servers: Servers) -> AsyncIterator[Service]:
    """The service without limits on how often a key may call."""
    async with running_service(servers, rate_limit_per_minute=0) as running:
        yield running


@pytest.mark.parametrize("kind", [KeyKind.STAFF, KeyKind.CLIENT])
async def test_every_answer_is_described(unlimited: Service, kind: KeyKind) -> None:
    staff = await unlimited.caller()
    caller = staff if kind is KeyKind.STAFF else await unlimited.client(staff.org_id, "cli_ada")
    async with unlimited.http.get(f"{unlimited.base}/openapi.json") as response:
        document = await response.json()
    contract = Contract(unlimited.base, document, caller.headers, await known_to_booking(staff, caller))
    seen = await asyncio.to_thread(contract.check, EXAMPLES)
    expected = {200, 201, 404, 409, 422} if kind is KeyKind.STAFF else {200, 201, 403, 404, 422}
    assert seen.keys() >= expected
