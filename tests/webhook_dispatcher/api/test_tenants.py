"""No request reads or changes another organization's rows (architecture.md I10); every operation needs its scope."""

from support.booking_service import Caller
from support.webhook_service import SUBSCRIPTIONS, WebhookService

OPERATIONS = [
    ("GET", f"{SUBSCRIPTIONS}/{{sub}}", "read"),
    ("GET", f"{SUBSCRIPTIONS}/{{sub}}/deliveries", "read"),
    ("GET", f"{SUBSCRIPTIONS}/{{sub}}/health", "read"),
    ("GET", "/api/v1/webhooks/deliveries/{dlv}", "read"),
    ("PATCH", f"{SUBSCRIPTIONS}/{{sub}}", "manage"),
    ("POST", f"{SUBSCRIPTIONS}/{{sub}}/enable", "manage"),
    ("POST", f"{SUBSCRIPTIONS}/{{sub}}/disable", "manage"),
    ("DELETE", f"{SUBSCRIPTIONS}/{{sub}}", "manage"),
]


def body_for(method: str) -> dict[str, str] | None:
    return {"description": "mine now"} if method == "PATCH" else None


async def test_another_organizations_objects_are_not_there(
    owner: Caller, service: WebhookService, ids: dict[str, str]
) -> None:
    other = await service.caller()
    before = (await owner.get(f"{SUBSCRIPTIONS}/{ids['sub']}")).body
    for method, path, _ in OPERATIONS:
        refused = await other.send(method, path.format(**ids), body_for(method))
        assert (refused.status, refused.code) == (404, "not_found"), (method, path)
    assert (await other.get(SUBSCRIPTIONS)).body == {"data": [], "has_more": False}
    for listed in (SUBSCRIPTIONS, f"{SUBSCRIPTIONS}/{ids['sub']}/deliveries"):
        refused = await other.get(f"{listed}?starting_after={ids['sub']}")
        assert refused.status in {400, 404}
    assert (await owner.get(f"{SUBSCRIPTIONS}/{ids['sub']}")).body == before


async def test_scopes_are_needed(owner: Caller, service: WebhookService, ids: dict[str, str]) -> None:
    nobody = await service.caller(frozenset({"bookings.read"}), owner.org_id)
    reader = await service.caller(frozenset({"webhooks.read"}), owner.org_id)
    for method, path, scope in [
        ("GET", SUBSCRIPTIONS, "read"),
        ("GET", "/api/v1/webhooks/event-types", "read"),
        ("POST", SUBSCRIPTIONS, "manage"),
        *OPERATIONS,
    ]:
        body = body_for(method)
        refused = await nobody.send(method, path.format(**ids), body)
        assert (refused.status, refused.code) == (403, "forbidden"), (method, path)
        answer = await reader.send(method, path.format(**ids), body)
        assert answer.status == (200 if scope == "read" else 403), (method, path)
    stranger = Caller(owner.org_id, owner.base, owner.http, {})
    assert (await stranger.get(SUBSCRIPTIONS)).code == "unauthenticated"
