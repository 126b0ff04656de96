"""The composed service: its operations, and what operators ask it."""

import pytest

from support.waitlist_service import PATH, Guest, WaitlistService


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"])
async def test_it_answers_operators_and_readers(service: WaitlistService, path: str) -> None:
    async with service.http.get(service.base + path) as response:
        assert response.status == 200


async def test_every_operation_is_described(service: WaitlistService) -> None:
    async with service.http.get(f"{service.base}/openapi.json") as response:
        paths = (await response.json())["paths"]
    assert {path: sorted(operations) for path, operations in paths.items()} == {
        "/api/v1/waitlist": ["get", "post"],
        "/api/v1/waitlist/{id}": ["delete", "get", "patch"],
        "/api/v1/waitlist/{id}/convert": ["post"],
        "/api/v1/waitlist/{id}/decline": ["post"],
        "/api/v1/waitlist/{id}/explain": ["get"],
        "/api/v1/waitlist/{id}/notify": ["post"],
        "/api/v1/waitlist/policies/{id}": ["get", "put"],
        "/platform/v1/scheduling/waitlist": ["post"],
        "/platform/v1/scheduling/waitlist/cancel": ["put"],
    }


async def test_a_key_is_told_its_limit(staff: Guest) -> None:
    assert (await staff.waitlist.get(PATH)).headers["RateLimit-Limit"] == "6000"
