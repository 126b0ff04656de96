"""Many deliveries sent again: those that failed, or a range of the log; and the shadow run of a filter."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.clock import utc_now
from support.booking_service import Answer, Caller
from support.dispatcher import a_happening
from support.endpoints import Endpoint, endpoint, status
from support.waiting import eventually
from support.webhook_service import SUBSCRIPTIONS, WebhookService
from webhook_dispatcher.domain.ids import delivery_id

REPLAYS = "/api/v1/webhooks/replays"
LONG_AGO = "2020-01-01T00:00:00Z"


def text(instant: datetime) -> str:
    return instant.isoformat()


async def subscribed(owner: Caller, url: str, **more: Any) -> str:
    made = await owner.post(SUBSCRIPTIONS, {"url": url, "events": ["*"], "retry": [], **more})
    return f"{SUBSCRIPTIONS}/{made.data['id']}"


async def statuses(owner: Caller, path: str) -> list[str]:
    return sorted(one["status"] for one in (await owner.get(f"{path}/deliveries?limit=200")).data)


async def all_are(owner: Caller, path: str, wanted: str, count: int) -> None:
    async def they_are() -> bool:
        return await statuses(owner, path) == [wanted] * count

    await eventually(they_are, within=20)


async def finished(owner: Caller, started: Answer) -> dict[str, Any]:
    """A job as it is when it has ended."""
    found: dict[str, Any] = started.data

    async def has_ended() -> bool:
        found.update((await owner.get(f"{REPLAYS}/{started.data['id']}")).data)
        return bool(found["status"] != "running")

    await eventually(has_ended, within=20)
    return found


async def came(receiver: Endpoint, count: int) -> None:
    async def they_came() -> bool:
        return len(receiver.requests) >= count

    await eventually(they_came, within=20)


async def test_what_failed_is_recovered_in_its_range(owner: Caller, service: WebhookService) -> None:
    """Exhausted deliveries and those that were discarded while disabled; what was delivered stays.

    Standard Webhooks: «it's immensely important to give consumers a way to manually replay specific webhooks or
    failures within a range in order to recover from long outages without missing message delivery»
    Webhook rules: «`id` is the delivery's id: stable over all attempts and replays of one (event, subscription).»
    """
    async with endpoint(status(500, 500, 500, 204)) as receiver:
        path = await subscribed(owner, receiver.url)
        await service.publish(*[a_happening(orgid=owner.org_id) for _ in range(3)])
        await all_are(owner, path, "exhausted", 3)
        between = utc_now()
        await owner.post(f"{path}/disable", None)
        await service.publish(*[a_happening(orgid=owner.org_id) for _ in range(2)])

        async def are_discarded() -> bool:
            return await statuses(owner, path) == ["discarded"] * 2 + ["exhausted"] * 3

        await eventually(are_discarded, within=15)
        enabled = await owner.post(f"{path}/enable", None)
        assert (enabled.data["status"], enabled.data["recoverable"]) == ("active", {"count": 5, "more": False})
        assert await are_discarded()

        started = await owner.post(f"{path}/recover", {"since": text(between)})
        assert started.status == 201
        assert (started.data["kind"], started.data["expected"]) == ("recover", {"count": 2, "more": False})
        done = await finished(owner, started)
        assert (done["status"], done["reopened"], done["error"]) == ("done", 2, None)

        async def are_delivered() -> bool:
            return await statuses(owner, path) == ["delivered"] * 2 + ["exhausted"] * 3

        await eventually(are_delivered, within=15)
        body = {"since": LONG_AGO, "until": text(utc_now() + timedelta(days=1))}
        assert (await finished(owner, await owner.post(f"{path}/recover", body)))["reopened"] == 3
        await all_are(owner, path, "delivered", 5)
        assert len((await owner.get(f"{path}/replays")).data) == 2
    assert len(receiver.requests) == 8
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 5


async def test_what_fails_again_is_not_recovered_twice_by_one_recovery(owner: Caller, service: WebhookService) -> None:
    async with endpoint(status(500)) as receiver:
        path = await subscribed(owner, receiver.url)
        await service.publish(*[a_happening(orgid=owner.org_id) for _ in range(4)])
        await all_are(owner, path, "exhausted", 4)
        done = await finished(owner, await owner.post(f"{path}/recover", {"since": LONG_AGO}))
        assert done["reopened"] == 4
        await came(receiver, 8)
        await all_are(owner, path, "exhausted", 4)
        again = await finished(owner, await owner.post(f"{path}/recover", {"since": LONG_AGO}))
        assert again["reopened"] == 4
        await came(receiver, 12)
        await all_are(owner, path, "exhausted", 4)
    assert len(receiver.requests) == 12


async def test_events_from_before_a_subscription_are_replayed(owner: Caller, service: WebhookService) -> None:
    """«events from before it existed included … current filters»: only the organization's own, only what is wanted

    Webhook rules: «`id` is the delivery's id: stable over all attempts and replays of one (event, subscription).»
    """
    async with endpoint() as first, endpoint() as receiver:
        await subscribed(owner, first.url)
        began = utc_now()
        events = [a_happening("reservation.created", orgid=owner.org_id) for _ in range(5)]
        others = [a_happening(orgid=owner.org_id), a_happening("reservation.created", orgid="org_of_somebody_else")]
        await service.publish(*events, *others)
        await came(first, 6)
        path = await subscribed(owner, receiver.url, events=["reservation.created", "reservation.seated"])
        late = a_happening("reservation.created", orgid=owner.org_id)
        await service.publish(late)
        await came(receiver, 1)

        body = {"from": text(began), "to": text(utc_now() + timedelta(hours=1))}
        done = await finished(owner, await owner.post(f"{path}/replay", body))
        assert (done["status"], done["matched"], done["created"], done["reopened"]) == ("done", 6, 5, 1)
        assert done["types"] == {"reservation.created": 6}
        assert (done["truncated"], done["earliest"]) == (False, None)
        await came(receiver, 7)
        await all_are(owner, path, "delivered", 6)
        told = [json.loads(request.body)["eventId"] for request in receiver.requests]
        assert sorted(told) == sorted([event.id for event in events] + [late.id] * 2)
        sub = path.rsplit("/", 1)[1]
        assert {request.headers["webhook-id"] for request in receiver.requests} == {
            delivery_id(event.id, sub) for event in (*events, late)
        }
        assert len(first.requests) == 7


async def test_a_replay_is_narrowed_by_time_and_type(owner: Caller, service: WebhookService) -> None:
    async with endpoint() as receiver:
        path = await subscribed(owner, receiver.url)
        kinds = ["reservation.created", "reservation.seated"]
        await service.publish(*[a_happening(kind, orgid=owner.org_id) for kind in kinds])
        await came(receiver, 2)
        between = utc_now()
        await service.publish(*[a_happening(kind, orgid=owner.org_id) for kind in kinds])
        await came(receiver, 4)
        body = {"from": text(between), "to": text(utc_now()), "events": ["reservation.seated"]}
        done = await finished(owner, await owner.post(f"{path}/replay", body))
        assert (done["matched"], done["reopened"], done["created"]) == (1, 1, 0)
        body = {"from": LONG_AGO, "to": text(between), "events": ["reservation.seated", "reservation.late"]}
        done = await finished(owner, await owner.post(f"{path}/replay", body))
        assert (done["matched"], done["types"]) == (1, {"reservation.seated": 1})
        await came(receiver, 6)
        await all_are(owner, path, "delivered", 4)
    assert len(receiver.requests) == 6


async def test_a_dry_run_tells_what_a_wider_filter_would_have_matched(owner: Caller, service: WebhookService) -> None:
    """«the shadow run»: counts by type and samples; it sends and writes nothing, so it works while disabled, too"""
    async with endpoint() as receiver:
        path = await subscribed(owner, receiver.url, events=["reservation.cancelled"])
        await owner.post(f"{path}/disable", None)
        began = utc_now() - timedelta(seconds=1)
        events = [a_happening("reservation.created", orgid=owner.org_id) for _ in range(12)]
        await service.publish(*events, a_happening("reservation.seated", orgid=owner.org_id))
        await service.publish(a_happening("reservation.late", orgid=owner.org_id))
        body = {
            "from": text(began),
            "to": text(utc_now() + timedelta(seconds=1)),
            "events": ["reservation.created", "reservation.seated"],
            "dry_run": True,
        }
        done = await finished(owner, await owner.post(f"{path}/replay", body))
        assert (done["status"], done["dry_run"], done["matched"]) == ("done", True, 13)
        assert done["types"] == {"reservation.created": 12, "reservation.seated": 1}
        assert (done["reopened"], done["created"]) == (0, 0)
        assert len(done["samples"]) == 10
        known = {event.id: event for event in events}
        for sample in done["samples"]:
            if sample["event"] == "reservation.created":
                assert sample["resource_id"] == known[sample["event_id"]].subject
        assert await statuses(owner, path) == []
    assert receiver.requests == []


async def test_the_log_is_told_to_be_short_only_if_it_is(owner: Caller) -> None:
    path = await subscribed(owner, "http://127.0.0.1:9/hook")
    body = {"from": LONG_AGO, "to": "2020-01-02T00:00:00Z"}
    done = await finished(owner, await owner.post(f"{path}/replay", body))
    assert (done["from"], done["to"]) == ("2020-01-01T00:00:00.000Z", "2020-01-02T00:00:00.000Z")
    assert (done["read"], done["matched"], done["truncated"]) == (0, 0, False)  # nothing was ever deleted here


async def test_nothing_is_started_for_a_disabled_subscription(owner: Caller) -> None:
    path = await subscribed(owner, "http://127.0.0.1:9/hook")
    await owner.post(f"{path}/disable", None)
    for verb, body in (("recover", {"since": LONG_AGO}), ("replay", {"from": LONG_AGO, "to": text(utc_now())})):
        refused = await owner.post(f"{path}/{verb}", body)
        assert (refused.status, refused.code) == (409, "subscription_disabled")
    assert (await owner.get(f"{path}/replays")).data == []


async def test_the_same_post_again_starts_one_job(owner: Caller) -> None:
    path = await subscribed(owner, "http://127.0.0.1:9/hook")
    first = await owner.post(f"{path}/recover", {"since": LONG_AGO}, Idempotency_Key="once")
    again = await owner.post(f"{path}/recover", {"since": LONG_AGO}, Idempotency_Key="once")
    assert (first.body, first.status) == (again.body, again.status)
    assert len((await owner.get(f"{path}/replays")).data) == 1


FUTURE = "2100-01-01T00:00:00Z"
REFUSED: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    ("recover", {}, [("since", "missing")]),
    ("recover", {"since": None}, [("since", "value_error")]),
    ("recover", {"since": "yesterday"}, [("since", "value_error")]),
    ("recover", {"since": "2026-01-01"}, [("since", "value_error")]),
    ("recover", {"since": FUTURE}, [("since", "future")]),
    ("recover", {"since": LONG_AGO, "until": LONG_AGO}, [("until", "order")]),
    ("recover", {"since": LONG_AGO, "until": "2019-01-01T00:00:00Z"}, [("until", "order")]),
    ("recover", {"since": LONG_AGO, "events": ["*"]}, [("events", "extra_forbidden")]),
    ("replay", {}, [("from", "missing"), ("to", "missing")]),
    ("replay", {"from": LONG_AGO}, [("to", "missing")]),
    ("replay", {"from": "x", "to": 5}, [("from", "value_error"), ("to", "value_error")]),
    ("replay", {"from": FUTURE, "to": FUTURE}, [("from", "future")]),
    ("replay", {"from": "2021-01-01T00:00:00Z", "to": LONG_AGO}, [("to", "order")]),
    ("replay", {"from": LONG_AGO, "to": FUTURE, "events": []}, [("events", "too_short")]),
    ("replay", {"from": LONG_AGO, "to": FUTURE, "events": ["lost"]}, [("events", "unknown")]),
    ("replay", {"from": LONG_AGO, "to": FUTURE, "events": ["reservation.late"]}, [("events", "not_wanted")]),
    (
        "replay",
        {"from": LONG_AGO, "to": LONG_AGO, "events": ["lost"], "dry_run": True},
        [("to", "order"), ("events", "unknown")],
    ),
    ("replay", {"from": LONG_AGO, "to": FUTURE, "dry_run": "yes"}, [("dry_run", "bool_type")]),
    ("replay", {"from": LONG_AGO, "to": FUTURE, "since": LONG_AGO}, [("since", "extra_forbidden")]),
]


@pytest.mark.parametrize(("verb", "body", "flaws"), REFUSED)
async def test_what_cannot_be_done_is_refused(
    owner: Caller, verb: str, body: dict[str, Any], flaws: list[tuple[str, str]]
) -> None:
    path = await subscribed(owner, "http://127.0.0.1:9/hook", events=["reservation.created"])
    refused = await owner.post(f"{path}/{verb}", body)
    error = refused.body["error"]
    assert (refused.status, error["code"], error["param"]) == (422, "validation_failed", flaws[0][0]), error
    assert [(one["param"], one["rule"]) for one in error["details"]["errors"]] == flaws
    assert (await owner.get(f"{path}/replays")).data == []


async def test_jobs_are_listed_newest_first_in_pages(owner: Caller) -> None:
    path = await subscribed(owner, "http://127.0.0.1:9/hook")
    ids = []
    for _ in range(5):
        started = await owner.post(f"{path}/recover", {"since": LONG_AGO})
        ids.append((await finished(owner, started))["id"])
    first = await owner.get(f"{path}/replays?limit=3")
    rest = await owner.get(f"{path}/replays?starting_after={first.data[-1]['id']}")
    assert [one["id"] for one in (*first.data, *rest.data)] == ids[::-1]
    assert (first.body["has_more"], rest.body["has_more"]) == (True, False)
    refused = await owner.get(f"{path}/replays?starting_after=rpl_none")
    assert (refused.status, refused.code) == (400, "invalid_cursor")
    assert datetime.fromisoformat(first.data[0]["finished_at"]) <= datetime.now(UTC)


async def test_one_that_runs_is_cancelled_and_makes_room_for_another(owner: Caller, service: WebhookService) -> None:
    path = await subscribed(owner, "http://127.0.0.1:9/hook")
    body = {"since": LONG_AGO}
    held = await finished(owner, await owner.post(f"{path}/recover", body))
    async with service.database.connection() as conn:  # as if a worker held it
        await conn.execute(
            """
            UPDATE replays
            SET state = 'running', finished_at = NULL, leased_by = 'rpw_1', due_at = now() + interval '1 hour'
            WHERE id = $1
            """,
            held["id"],
        )
    assert (await owner.post(f"{path}/recover", body)).code == "replay_running"
    cancelled = await owner.post(f"{REPLAYS}/{held['id']}/cancel", None, Idempotency_Key="once")
    assert (cancelled.status, cancelled.data["status"], cancelled.data["error"]) == (200, "cancelled", None)
    assert cancelled.data["finished_at"] is not None
    assert (await owner.post(f"{REPLAYS}/{held['id']}/cancel", None)).body == cancelled.body
    assert (await owner.get(f"{REPLAYS}/{held['id']}")).body == cancelled.body
    other = await finished(owner, await owner.post(f"{path}/recover", body))
    assert other["status"] == "done"
    assert (await owner.post(f"{REPLAYS}/{other['id']}/cancel", None)).data["status"] == "done"
