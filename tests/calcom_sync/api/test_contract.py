"""The service answers as its OpenAPI document says, whatever it is asked.

`SLOTWIRE_PROOF_EXAMPLES` asks each operation so many times.
"""

import asyncio
import os
import re

import pytest

from calcom_sync.api.errors import ERRORS
from support.booking_service import Caller
from support.calcom_service import CalcomService
from support.contract import Contract
from support.known import known_to_calcom

# The service draws its jitter in this process too, and hypothesis takes that for a strategy's.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
EXAMPLES = int(os.environ.get("SLOTWIRE_PROOF_EXAMPLES", "10"))


async def test_what_a_sync_may_fail_with_is_described(service: CalcomService) -> None:
    async with service.http.get(f"{service.base}/openapi.json") as response:
        answers = (await response.json())["paths"]["/api/bookings/sync-calcom"]["post"]["responses"]
    described = {
        code for answer in answers.values() for code in re.findall("`(calcom_[a-z_]+)`", answer["description"])
    }
    assert described == set(ERRORS)


async def test_every_answer_is_described(service: CalcomService, admin: Caller) -> None:
    async with service.http.get(f"{service.base}/openapi.json") as response:
        document = await response.json()
    known = await known_to_calcom(service.database, admin.org_id)
    contract = Contract(service.base, document, admin.headers, known)
    seen = await asyncio.to_thread(contract.check, EXAMPLES)
    assert seen.keys() >= {200, 401, 404, 422}
