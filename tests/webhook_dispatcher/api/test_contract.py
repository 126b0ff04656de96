"""The dispatcher answers as its OpenAPI document says, whatever it is asked.

`SLOTWIRE_PROOF_EXAMPLES` asks each operation so many times.
"""

import asyncio
import os

import pytest

from support.booking_service import Caller
from support.contract import Contract
from support.webhook_service import SUBSCRIPTIONS, WebhookService

# The service draws its jitter in this process too, and hypothesis takes that for a strategy's.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
EXAMPLES = int(os.environ.get("SLOTWIRE_PROOF_EXAMPLES", "10"))


async def test_every_answer_is_described(owner: Caller, service: WebhookService, ids: dict[str, str]) -> None:
    async with service.http.get(f"{service.base}/openapi.json") as response:
        document = await response.json()
    contract = Contract(
        base=service.base,
        document=document,
        headers=owner.headers,
        values={
            "url": ["http://127.0.0.1:9/hook"],
            "events": [["*"], ["reservation.*"]],
            "event": ["reservation.created"],
            "limit": [1, 50],
            "since": ["2026-01-01T00:00:00Z"],
            "from": ["2026-01-01T00:00:00Z"],
            "to": ["2100-01-01T00:00:00Z"],
        },
        ids={
            SUBSCRIPTIONS: [ids["sub"]],
            "/api/v1/webhooks/deliveries": [ids["dlv"]],
            "/api/v1/webhooks/replays": [ids["rpl"]],
        },
        bodies={SUBSCRIPTIONS: {"url": "http://127.0.0.1:9/hook", "events": ["*"]}},
    )
    seen = await asyncio.to_thread(contract.check, EXAMPLES)
    assert seen.keys() >= {200, 201, 404, 422}
