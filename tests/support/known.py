"""What is good to ask each service with: an organization that has one of everything, and where each of it is found."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from chassis.postgres import Database
from support.booking_service import SOON, Caller, somebody, text
from support.calcom_service import API_KEY, INTEGRATION, a_run
from support.contract import Known
from support.endpoints import endpoint
from support.furnished import BODIES, NEEDED, OWNERS, furnish
from support.waiting import eventually
from support.waitlist_service import DATE, EVENTS, PATH, Guest, days_ahead
from support.waitlist_service import somebody as a_contact
from support.webhook_service import SUBSCRIPTIONS

_EVER = {"from": ["2026-01-01T00:00:00Z"], "to": ["2100-01-01T00:00:00Z"], "since": ["2026-01-01T00:00:00Z"]}


async def known_to_booking(staff: Caller, caller: Caller) -> Known:
    """An organization's bookings, which the caller has made, and what they are made of, which staff has."""
    ids = await furnish(staff)
    bookings = [ids["exclude_booking_id"]]
    for day, status in enumerate(("CONFIRMED", "CANCELLED"), 1):
        made = await caller.book(schedule_id=ids["schedule_id"], at=SOON + timedelta(days=day))
        bookings.append(made.data["id"])
        await staff.patch(f"/api/v1/bookings/{bookings[-1]}", {"status": status})
    starts = [text(SOON + timedelta(minutes=30 * number)) for number in range(-4, 40)]
    dates = [text(SOON)[:10], text(SOON + timedelta(days=1))[:10]]
    values: dict[str, list[Any]] = {
        **{name: [known] for name, known in ids.items()},
        "table_ids": [[ids["table_ids"]], []],
        "ids": [bookings, bookings[:1]],
        "start_time": starts[::2],
        "end_time": starts[1::2],
        "from": dates,
        "to": dates,
        "attendee": [somebody() for _ in range(9)],
        "party_size": [1, 2, 4],
        "limit": [1, 2, 50],
        "per_page": [1, 2],
        "timezone": ["Europe/Berlin", "UTC"],
        "business_id": [staff.org_id],
    }
    known = {path: [ids[owner]] for path, owner in OWNERS.items()}
    known |= {"/api/v1/bookings": bookings, "/v1/reservations": bookings}
    bodies = {path: {**body, **{name: ids[name] for name in NEEDED.get(path, ())}} for path, body in BODIES.items()}
    return Known(values, known, bodies)


async def known_to_waitlist(staff: Guest, caller: Guest) -> Known:
    """An organization's queues, in which the caller waits."""
    location_id, clients = await staff.location(), [await staff.client() for _ in range(3)]
    instances = [await staff.full_instance(2) for _ in range(3)]
    joined = [await caller.joined(locationId=location_id, requestedDate=days_ahead(day)) for day in range(3)]
    for entry in joined[1:]:
        await caller.waitlist.delete(f"{PATH}/{entry['id']}")
    uids = [instance["uid"] for instance in instances]
    client_ids = clients if caller.client_id is None else [caller.client_id]
    values: dict[str, list[Any]] = {
        "locationId": [location_id],
        "eventInstanceId": uids,
        "event_instance_id": uids,
        "event_instance_uid": uids,
        "userId": client_ids,
        "client_id": client_ids,
        "client_uid": client_ids,
        "business_id": [staff.org_id],
        "business_uid": [staff.org_id],
        "requestedDate": [days_ahead(day) for day in range(3)],
        "preferredStartTime": ["18:00", None],
        "preferredEndTime": ["21:30", None],
        "contact": [a_contact() for _ in range(3)],
        "partySize": [1, 2],
        "limit": [1, 2, 50],
        "page": [1, 2],
    }
    ids = {
        PATH: [entry["id"] for entry in joined],
        f"{PATH}/policies": [location_id, instances[0]["service_id"]],
    }
    bodies: dict[str, dict[str, Any]] = {
        PATH: {"locationId": location_id, "requestedDate": DATE, "contact": a_contact()},
        f"{PATH}/{{id}}": {"notes": "By the window"},
        EVENTS: {"business_id": staff.org_id, "event_instance_id": uids[0], "client_id": client_ids[0]},
        f"{EVENTS}/cancel": {
            "business_uid": staff.org_id,
            "event_instance_uid": uids[0],
            "client_uid": client_ids[0],
        },
    }
    return Known(values, ids, bodies)


async def deliver(owner: Caller, happen: Callable[[], Awaitable[object]]) -> dict[str, str]:
    """Have something that happens delivered: the ids of a subscription, of its delivery, and of a recovery."""
    async with endpoint() as receiver:
        made = await owner.post(SUBSCRIPTIONS, {"url": receiver.url, "events": ["*"]})
        path = f"{SUBSCRIPTIONS}/{made.data['id']}/deliveries"
        await happen()

        async def came() -> bool:
            return bool((await owner.get(f"{path}?status=delivered")).data)

        await eventually(came, within=30)
        body = {"since": "2020-01-01T00:00:00Z"}
        recovery = await owner.post(f"{SUBSCRIPTIONS}/{made.data['id']}/recover", body)
        return {"sub": made.data["id"], "dlv": (await owner.get(path)).data[0]["id"], "rpl": recovery.data["id"]}


def known_to_dispatcher(ids: dict[str, str]) -> Known:
    """What was delivered."""
    return Known(
        values={
            **_EVER,
            "url": ["http://127.0.0.1:9/hook"],
            "events": [["*"], ["reservation.*"]],
            "event": ["reservation.created"],
            "limit": [1, 50],
        },
        ids={
            SUBSCRIPTIONS: [ids["sub"]],
            "/api/v1/webhooks/deliveries": [ids["dlv"]],
            "/api/v1/webhooks/replays": [ids["rpl"]],
        },
        bodies={SUBSCRIPTIONS: {"url": "http://127.0.0.1:9/hook", "events": ["*"]}},
    )


async def known_to_calcom(database: Database, org_id: str) -> Known:
    """A sync of an organization, in the service's database."""
    return Known(
        values={"base_url": ["http://127.0.0.1:9"], "api_key": [API_KEY]},
        ids={f"{INTEGRATION}/runs": [await a_run(database, org_id)]},
        bodies={INTEGRATION: {"base_url": "http://127.0.0.1:9", "api_key": API_KEY}},
    )
