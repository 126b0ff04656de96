"""The composed service: its operations, and what operators ask it."""

import pytest

from support.calcom_service import CalcomService


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"])
async def test_it_answers_operators_and_readers(service: CalcomService, path: str) -> None:
    async with service.http.get(service.base + path) as response:
        assert response.status == 200


async def test_every_operation_is_described(service: CalcomService) -> None:
    async with service.http.get(f"{service.base}/openapi.json") as response:
        paths = (await response.json())["paths"]
    assert {path: sorted(operations) for path, operations in paths.items()} == {
        "/api/bookings/sync-calcom": ["post"],
        "/api/v1/integrations/calcom": ["delete", "get", "put"],
        "/api/v1/integrations/calcom/runs": ["get"],
        "/api/v1/integrations/calcom/runs/{id}": ["get"],
        "/api/v1/integrations/calcom/webhook/{org}": ["post"],
    }
