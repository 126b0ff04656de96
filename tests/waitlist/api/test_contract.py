"""The waitlist service answers as its OpenAPI document says, whatever it is asked.

`SLOTWIRE_PROOF_EXAMPLES` asks each operation so many times.
"""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from support.booking_service import running_service
from support.contract import Contract
from support.known import known_to_waitlist
from support.servers import Servers
from support.waitlist_service import WaitlistService, running_waitlist

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


@pytest.mark.parametrize("kind", ["staff", "client"])
async def test_every_answer_is_described(unlimited: WaitlistService, kind: str) -> None:
    staff = await unlimited.staff()
    caller = staff if kind == "staff" else await unlimited.client(staff)
    async with unlimited.http.get(f"{unlimited.base}/openapi.json") as response:
        document = await response.json()
    known = await known_to_waitlist(staff, caller)
    contract = Contract(unlimited.base, document, caller.waitlist.headers, known)
    seen = await asyncio.to_thread(contract.check, EXAMPLES)
    expected = {200, 201, 404, 409, 422} if kind == "staff" else {200, 201, 403, 404, 422}
    assert seen.keys() >= expected
