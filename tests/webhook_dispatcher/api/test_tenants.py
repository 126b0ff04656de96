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
    ("POST", f"{SUBSCRIPTIONS}/{{sub}}/test", "manage"),
    ("POST", f"{SUBSCRIPTIONS}/{{sub}}/recover", "manage"),
    ("POST", f"{SUBSCRIPTIONS}/{{sub}}/replay", "manage"),
    ("GET", f"{SUBSCRIPTIONS}/{{sub}}/replays", "read"),
    ("GET", "/api/v1/webhooks/replays/{rpl}", "read"),
    ("POST", "/api/v1/webhooks/replays/{rpl}/cancel", "manage"),
    ("POST", "/api/v1/webhooks/deliveries/{dlv}/resend", "manage"),
    ("POST", f"{SUBSCRIPTIONS}/{{sub}}/rotate-secret", "manage"),
    ("DELETE", f"{SUBSCRIPTIONS}/{{sub}}", "manage"),
]
BODIES = {
    "PATCH": {"description": "mine now"},
    "test": {},
    "recover": {"since": "2020-01-01T00:00:00Z"},
    "replay": {"from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"},
}


LEDGER = "/api/v1/webhooks/ledger"


def body_for(method: str, path: str) -> dict[str, str] | None:
    return BODIES.get(method if method == "PATCH" else path.rsplit("/", 1)[1])


async def test_another_organizations_objects_are_not_there(
    owner: Caller, service: WebhookService, ids: dict[str, str]
) -> None:
    other = await service.caller()
    before = (await owner.get(f"{SUBSCRIPTIONS}/{ids['sub']}")).body
    delivery = (await owner.get(f"/api/v1/webhooks/deliveries/{ids['dlv']}")).body
    for method, path, _ in OPERATIONS:
        refused = await other.send(method, path.format(**ids), body_for(method, path))
        assert (refused.status, refused.code) == (404, "not_found"), (method, path)
    assert (await other.get(SUBSCRIPTIONS)).body == {"data": [], "has_more": False}
    assert (await owner.get(LEDGER)).data["accepted"] == 1
    assert (await other.get(LEDGER)).data["accepted"] == 0
    for listed in (SUBSCRIPTIONS, *(f"{SUBSCRIPTIONS}/{ids['sub']}/{listed}" for listed in ("deliveries", "replays"))):
        refused = await other.get(f"{listed}?starting_after={ids['sub']}")
        assert refused.status in {400, 404}
    assert (await owner.get(f"{SUBSCRIPTIONS}/{ids['sub']}")).body == before
    assert (await owner.get(f"/api/v1/webhooks/deliveries/{ids['dlv']}")).body == delivery
    assert len((await owner.get(f"{SUBSCRIPTIONS}/{ids['sub']}/replays")).data) == 1


async def test_scopes_are_needed(owner: Caller, service: WebhookService, ids: dict[str, str]) -> None:
    nobody = await service.caller(frozenset({"bookings.read"}), owner.org_id)
    reader = await service.caller(frozenset({"webhooks.read"}), owner.org_id)
    for method, path, scope in [
        ("GET", SUBSCRIPTIONS, "read"),
        ("GET", "/api/v1/webhooks/event-types", "read"),
        ("GET", LEDGER, "read"),
        ("POST", SUBSCRIPTIONS, "manage"),
        *OPERATIONS,
    ]:
        body = body_for(method, path)
        refused = await nobody.send(method, path.format(**ids), body)
        assert (refused.status, refused.code) == (403, "forbidden"), (method, path)
        answer = await reader.send(method, path.format(**ids), body)
        assert answer.status == (200 if scope == "read" else 403), (method, path)
    stranger = Caller(owner.org_id, owner.base, owner.http, {})
    assert (await stranger.get(SUBSCRIPTIONS)).code == "unauthenticated"
