"""The dispatcher answers as its OpenAPI document says, whatever it is asked.

`SLOTWIRE_PROOF_EXAMPLES` asks each operation so many times.
"""

import asyncio
import os

import pytest

from support.booking_service import Caller
from support.contract import Contract
from support.known import known_to_dispatcher
from support.webhook_service import WebhookService

# The service draws its jitter in this process too, and hypothesis takes that for a strategy's.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
EXAMPLES = int(os.environ.get("SLOTWIRE_PROOF_EXAMPLES", "10"))


async def test_every_answer_is_described(owner: Caller, service: WebhookService, ids: dict[str, str]) -> None:
    async with service.http.get(f"{service.base}/openapi.json") as response:
        document = await response.json()
    contract = Contract(service.base, document, owner.headers, known_to_dispatcher(ids))
    seen = await asyncio.to_thread(contract.check, EXAMPLES)
    assert seen.keys() >= {200, 201, 404, 422}
