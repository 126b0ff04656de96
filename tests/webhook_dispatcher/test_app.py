"""The composed service: its operations, and what it tells operators."""

import pytest

from support.webhook_service import SUBSCRIPTIONS, WebhookService


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"])
async def test_it_answers_operators_and_readers(service: WebhookService, path: str) -> None:
    async with service.http.get(service.base + path) as response:
        assert response.status == 200


async def test_every_operation_is_described(service: WebhookService) -> None:
    async with service.http.get(f"{service.base}/openapi.json") as response:
        described = await response.json()
    root = "/api/v1/webhooks"
    paths = {path: sorted(operations) for path, operations in described["paths"].items() if path.startswith("/api")}
    assert paths == {
        f"{root}/subscriptions": ["get", "post"],
        f"{root}/subscriptions/{{id}}": ["delete", "get", "patch"],
        f"{root}/subscriptions/{{id}}/enable": ["post"],
        f"{root}/subscriptions/{{id}}/disable": ["post"],
        f"{root}/subscriptions/{{id}}/rotate-secret": ["post"],
        f"{root}/subscriptions/{{id}}/deliveries": ["get"],
        f"{root}/subscriptions/{{id}}/recover": ["post"],
        f"{root}/subscriptions/{{id}}/replay": ["post"],
        f"{root}/subscriptions/{{id}}/replays": ["get"],
        f"{root}/subscriptions/{{id}}/test": ["post"],
        f"{root}/subscriptions/{{id}}/health": ["get"],
        f"{root}/deliveries/{{id}}": ["get"],
        f"{root}/deliveries/{{id}}/resend": ["post"],
        f"{root}/replays/{{id}}": ["get"],
        f"{root}/replays/{{id}}/cancel": ["post"],
        f"{root}/event-types": ["get"],
        f"{root}/ledger": ["get"],
    }
    properties = described["components"]["schemas"]["NewSubscription"]["properties"]
    rate = properties["rate_limit"]["anyOf"][0]["properties"]["per_second"]
    assert rate == {"type": "number", "minimum": 0.01, "maximum": 10_000}
    retry = properties["retry"]["anyOf"]
    assert retry[0]["items"] == {"type": "number", "minimum": 0.01, "maximum": 604_800}
    assert retry[1]["properties"]["number"] == {"type": "integer", "minimum": 0, "maximum": 100}


async def test_a_key_is_told_its_limit(service: WebhookService) -> None:
    caller = await service.caller()
    assert (await caller.get(SUBSCRIPTIONS)).headers["RateLimit-Limit"] == "6000"


async def test_series_are_not_labelled_with_tenants(service: WebhookService) -> None:
    async with service.http.get(f"{service.base}/metrics") as response:
        told = await response.text()
    assert "slotwire_webhook_attempts_total" in told
    assert "slotwire_deliveries_unaccounted 0.0" in told
    assert "slotwire_webhook_open_breakers 0.0" in told
    assert "slotwire_webhook_throttled_endpoints 0.0" in told
    assert "org_" not in told
    assert "sub_" not in told
