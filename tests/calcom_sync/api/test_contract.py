"""The service answers as its OpenAPI document says, whatever it is asked.

`SLOTWIRE_PROOF_EXAMPLES` asks each operation so many times.
"""

import asyncio
import os

import pytest

from support.booking_service import Caller
from support.calcom_service import API_KEY, INTEGRATION, CalcomService
from support.contract import Contract

# The service draws its jitter in this process too, and hypothesis takes that for a strategy's.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
EXAMPLES = int(os.environ.get("SLOTWIRE_PROOF_EXAMPLES", "10"))


async def test_every_answer_is_described(service: CalcomService, admin: Caller) -> None:
    async with service.http.get(f"{service.base}/openapi.json") as response:
        document = await response.json()
    contract = Contract(
        base=service.base,
        document=document,
        headers=admin.headers,
        values={"base_url": ["http://127.0.0.1:9"], "api_key": [API_KEY]},
        ids={},
        bodies={INTEGRATION: {"base_url": "http://127.0.0.1:9", "api_key": API_KEY}},
    )
    seen = await asyncio.to_thread(contract.check, EXAMPLES)
    assert seen.keys() >= {200, 404, 422}
