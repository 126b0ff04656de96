"""GET …/health: what the stream made of real attempts, a few seconds later."""

from typing import Any

from support.booking_service import Caller
from support.dispatcher import a_happening
from support.endpoints import endpoint, status
from support.waiting import eventually
from support.webhook_service import SUBSCRIPTIONS, WebhookService

NOTHING = {"attempts": 0, "successes": 0, "success_rate": None, "latency_ms": {"p50": None, "p95": None, "p99": None}}


async def health(owner: Caller, subscription_id: str, attempts: int) -> dict[str, Any]:
    """Wait until so many attempts were counted."""

    async def read() -> dict[str, Any]:
        return dict((await owner.get(f"{SUBSCRIPTIONS}/{subscription_id}/health")).data)

    async def enough() -> bool:
        return int((await read())["last_hour"]["attempts"]) >= attempts

    await eventually(enough, within=45)
    return await read()


async def test_one_that_was_never_tried_shows_zeros_and_nulls(owner: Caller) -> None:
    made = (await owner.post(SUBSCRIPTIONS, {"url": "http://127.0.0.1:1/hook", "events": ["*"]})).data
    assert (await owner.get(f"{SUBSCRIPTIONS}/{made['id']}/health")).data == {
        "failing_since": None,
        "last_success_at": None,
        "last_attempt_at": None,
        "last_5_minutes": NOTHING,
        "last_hour": NOTHING,
    }


async def test_attempts_show_in_their_endpoints_health(owner: Caller, service: WebhookService) -> None:
    async with endpoint(status(204, 204, 500)) as receiver:
        made = (await owner.post(SUBSCRIPTIONS, {"url": receiver.url, "events": ["*"], "retry": [0.01]})).data
        for attempts in (1, 2, 4):  # the third event fails, and fails once more
            await service.publish(a_happening(orgid=owner.org_id))
            found = await health(owner, made["id"], attempts)
        assert (found["last_5_minutes"]["attempts"], found["last_hour"]["successes"]) == (4, 2)
        assert found["last_hour"]["success_rate"] == 0.5
        latency = found["last_hour"]["latency_ms"]
        assert 0 <= latency["p50"] <= latency["p95"] <= latency["p99"] < 5_000
        assert found["last_success_at"] < found["failing_since"] <= found["last_attempt_at"]
        path = f"{SUBSCRIPTIONS}/{made['id']}"
        await owner.patch(path, {"url": f"{receiver.url}?moved"})
        moved = (await owner.get(f"{path}/health")).data
        assert (moved["failing_since"], moved["last_hour"]["attempts"]) == (None, 4)
        assert (await owner.delete(path)).status == 200
    async with service.database.connection() as conn:
        for table in ("endpoint_health", "endpoint_minutes"):
            assert await conn.fetchval(f"SELECT count(*) FROM {table} WHERE subscription_id = $1", made["id"]) == 0
