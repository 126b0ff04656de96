"""No request reads or changes another organization's rows (architecture.md I10); every operation needs its scope."""

import pytest

from support.booking_service import Caller
from support.dispatcher import a_happening
from support.endpoints import endpoint
from support.waiting import eventually
from support.webhook_service import SUBSCRIPTIONS, WebhookService

OPERATIONS = [
    ("GET", f"{SUBSCRIPTIONS}/{{sub}}", "read"),
    ("GET", f"{SUBSCRIPTIONS}/{{sub}}/deliveries", "read"),
    ("GET", "/api/v1/webhooks/deliveries/{dlv}", "read"),
    ("PATCH", f"{SUBSCRIPTIONS}/{{sub}}", "manage"),
    ("POST", f"{SUBSCRIPTIONS}/{{sub}}/enable", "manage"),
    ("POST", f"{SUBSCRIPTIONS}/{{sub}}/disable", "manage"),
    ("DELETE", f"{SUBSCRIPTIONS}/{{sub}}", "manage"),
]


@pytest.fixture
async def ids(owner: Caller, service: WebhookService) -> dict[str, str]:
    """A subscription and a delivery of the owner's organization."""
    async with endpoint() as receiver:
        made = await owner.post(SUBSCRIPTIONS, {"url": receiver.url, "events": ["*"]})
        path = f"{SUBSCRIPTIONS}/{made.data['id']}/deliveries"
        await service.publish(a_happening(orgid=owner.org_id))

        async def came() -> bool:
            return bool((await owner.get(f"{path}?status=delivered")).data)

        await eventually(came, within=15)
        return {"sub": made.data["id"], "dlv": (await owner.get(path)).data[0]["id"]}


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
