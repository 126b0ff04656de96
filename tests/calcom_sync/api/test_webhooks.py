"""What is answered to whoever sends a webhook: the sender waits, sends nothing twice, and may be anybody."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from prometheus_client import REGISTRY

from calcom_sync.service import webhooks
from support.booking_service import Answer
from support.calcom.couriers import NO_SECRET, body, signature
from support.calcom_service import INTEGRATION, CalcomService, running_calcom_service
from support.calcom_webhooks import Told, in_days, told_by_webhooks
from support.servers import Servers
from support.waiting import eventually


@pytest.fixture
async def told(service: CalcomService) -> AsyncIterator[Told]:
    """An organization that reads nothing by itself, so that what is marked stays."""
    async with told_by_webhooks(service, enabled=False) as office:
        yield office


async def send(told: Told, content: bytes, signed: str | None = "", org_id: str | None = None) -> Answer:
    """Send a webhook; signed as it should be unless a signature is given, None for no header."""
    headers = {} if signed is None else {"X-Cal-Signature-256": signed or signature(told.secret, content)}
    url = told.url if org_id is None else f"{told.admin.base}{INTEGRATION}/webhook/{org_id}"
    async with told.admin.http.post(url, data=content, headers=headers) as answer:
        return Answer(answer.status, await answer.json(), answer.headers)


def created(told: Told) -> bytes:
    """Book something; answers the webhook that tells of it."""
    told.life.create(in_days(1))
    return body(told.life.untold.pop())


def webhook(**fields: Any) -> bytes:
    """A webhook of one's own."""
    return json.dumps({"triggerEvent": "BOOKING_CREATED", "createdAt": "2026-11-21T10:00:00.000Z", **fields}).encode()


def came(how: str) -> float:
    return REGISTRY.get_sample_value("slotwire_calcom_webhooks_total", {"as": how}) or 0.0


async def test_what_is_taken_is_kept_and_the_same_again_is_not(told: Told) -> None:
    before = came("marked"), came("repeated")
    content = created(told)
    first, again = await send(told, content), await send(told, content)
    assert (first.status, first.body) == (202, {"data": {"taken_as": "marked"}})
    assert (again.status, again.body) == (200, {"data": {"taken_as": "repeated"}})
    assert await told.marks() == 1
    assert (came("marked"), came("repeated")) == (before[0] + 1, before[1] + 1)
    assert told.calcom.count == 0


@pytest.mark.parametrize("written", [{}, {"createdAt": None}, {"createdAt": "2026-11-21"}])
async def test_the_same_words_that_do_not_say_when_they_were_written_are_news_again(
    told: Told, written: dict[str, Any]
) -> None:
    """As an organization's own template may have it: each time something else happened to the booking."""
    content = json.dumps({"uid": "A", **written}).encode()
    answers = [await send(told, content) for _ in range(2)]
    assert [(answer.status, answer.body["data"]["taken_as"]) for answer in answers] == [(202, "marked")] * 2


async def test_a_test_and_what_is_about_no_booking_are_answered_well(told: Told) -> None:
    told.life.ping()
    assert await told.deliver() == [200]
    other = await send(told, webhook(triggerEvent="OOO_CREATED", payload={"oooEntry": {"id": 1}}))
    assert (other.status, other.body["data"]["taken_as"]) == (200, "nothing")
    assert await told.marks() == 0


async def test_strangers_learn_nothing(told: Told, service: CalcomService) -> None:
    """One answer for all of them, whether there is such an organization, whether it has an integration or not."""
    content = created(told)
    without = await service.caller()
    good = signature(told.secret, content)
    refused = [
        await send(told, content, None),
        await send(told, content, NO_SECRET),
        await send(told, content, signature("other", content)),
        await send(told, content + b" ", good),
        await send(told, content, good, without.org_id),
        await send(told, content, good, "org_nobody"),
        await send(told, content, good, "org%00%FF"),
        await send(told, b"{", "0" * 64),
    ]
    for answer in refused:
        assert answer.body["error"].pop("request_id")
    assert {answer.status for answer in refused} == {401}
    assert len({json.dumps(answer.body) for answer in refused}) == 1
    assert refused[0].body["error"]["code"] == "unauthenticated"
    assert await told.marks() == 0


async def test_what_nobody_can_have_signed_costs_no_look_into_the_database(told: Told, service: CalcomService) -> None:
    content = created(told)
    async with service.database.transaction() as conn:
        await conn.execute("LOCK TABLE integrations IN ACCESS EXCLUSIVE MODE")  # whoever looks waits for us
        async with asyncio.timeout(2):
            refused = [await send(told, content, wrong) for wrong in (None, NO_SECRET, "0" * 63)]
    assert {answer.status for answer in refused} == {401}


@pytest.mark.parametrize(
    ("content", "param", "message"),
    [
        (b"", "body", "must be JSON"),
        (b"[]", "body", "must be a JSON object"),
        (webhook(triggerEvent=7), "triggerEvent", "must be a text"),
        (webhook(payload={}), "payload.uid", "must be there"),
        (webhook(payload={"uid": "A\0"}), "payload.uid", "must be 1 to 255 visible ASCII characters"),
        (
            webhook(payload={"uid": "A", "rescheduleUid": "\ud800"}),
            "payload.rescheduleUid",
            "must be 1 to 255 visible ASCII characters",
        ),
    ],
)
async def test_what_cannot_be_read_is_told(told: Told, content: bytes, param: str, message: str) -> None:
    refused = await send(told, content)
    assert (refused.status, refused.code) == (422, "validation_failed")
    assert (refused.body["error"]["param"], refused.body["error"]["message"]) == (param, f"{param}: {message}")
    assert await told.marks() == 0


async def test_no_body_is_read_without_a_bound(told: Told) -> None:
    assert (await send(told, b"x" * 256 * 1024)).code == "validation_failed"
    assert (await send(told, b"x" * (256 * 1024 + 1))).code == "body_too_large"


async def test_a_secret_is_good_for_a_day_after_another_was_made(told: Told, service: CalcomService) -> None:
    given = {"base_url": told.calcom.url, "rotate_webhook_secret": True, "enabled": False}
    secrets = [told.secret]
    secrets += [(await told.admin.send("PUT", INTEGRATION, given)).data["webhook_secret"] for _ in range(2)]

    async def answers() -> list[int]:
        content = created(told)
        return [(await send(told, content, signature(secret, content))).status for secret in secrets]

    assert await answers() == [401, 202, 200]
    async with service.database.connection() as conn:
        await conn.execute("UPDATE integrations SET old_secret_ends_at = now() WHERE org_id = $1", told.admin.org_id)
    assert await answers() == [401, 401, 202]
    del given["rotate_webhook_secret"]
    assert (await told.admin.send("PUT", INTEGRATION, given)).data["webhook_secret"] is None
    assert await answers() == [401, 401, 202]


async def test_who_sends_too_many_is_told_to_wait_and_strangers_take_nobodys_place(servers: Servers) -> None:
    async with (
        running_calcom_service(servers, calcom_webhooks_per_minute=3) as service,
        told_by_webhooks(service, enabled=False) as told,
        told_by_webhooks(service, enabled=False) as other,
    ):
        content = created(told)
        strangers = [(await send(told, content, "0" * 64)).status for _ in range(5)]
        assert strangers == [401, 401, 401, 429, 429]
        genuine = [await send(told, created(told)) for _ in range(4)]
        assert [answer.status for answer in genuine] == [202, 202, 202, 429]
        assert genuine[3].code == "rate_limited"
        assert int(genuine[3].headers["Retry-After"]) >= 1
        assert await told.marks() == 3
        assert (await send(other, created(other))).status == 202


async def test_a_flood_costs_no_look_into_the_database_each(servers: Servers) -> None:
    async with (
        running_calcom_service(servers, calcom_webhooks_per_minute=3) as service,
        told_by_webhooks(service, enabled=False) as told,
    ):
        content = created(told)
        assert [(await send(told, content, "0" * 64)).status for _ in range(4)] == [401, 401, 401, 429]
        async with service.database.transaction() as conn:
            await conn.execute("LOCK TABLE integrations IN ACCESS EXCLUSIVE MODE")  # whoever looks waits for us
            async with asyncio.timeout(2):
                assert [(await send(told, content, "0" * 64)).status for _ in range(3)] == [429] * 3
                others = [(await send(told, content, "0" * 64, f"org_{n}")).status for n in range(20)]
                assert others == [429] * 20, "though each names another organization"
        assert (await send(told, content)).status == 202


async def test_a_flood_keeps_nobody_out_of_whom_nothing_was_heard_before(servers: Servers) -> None:
    async with (
        running_calcom_service(servers, calcom_webhooks_per_minute=3) as service,
        told_by_webhooks(service, enabled=False) as told,
    ):
        flood = [(await send(told, b"{}", "0" * 64, f"org_{n}")).status for n in range(20)]
        assert flood == [401] * 3 + [429] * 17
        content = created(told)
        assert (await send(told, content)).status == 202
        assert (await send(told, content, signature("other", content))).status == 429


async def test_a_flood_keeps_nobody_out_for_long_who_is_new(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "_A_MOMENT", 0.5)
    async with (
        running_calcom_service(servers, calcom_webhooks_per_minute=3) as service,
        told_by_webhooks(service, enabled=False) as told,
    ):
        content = created(told)
        assert [(await send(told, content, "0" * 64)).status for _ in range(4)] == [401, 401, 401, 429]
        async with told_by_webhooks(service, enabled=False) as new:
            content = created(new)

            async def is_heard() -> bool:
                return (await send(new, content)).status == 202

            await eventually(is_heard, within=5)
