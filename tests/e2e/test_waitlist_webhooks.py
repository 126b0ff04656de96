"""What happens on a waitlist reaches a webhook: seed 000's events, delivered by the dispatcher."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from support.booking_service import SOON, Caller, running_service, text
from support.servers import Servers
from support.subscriber import Subscriber, subscriber
from support.waiting import eventually
from support.waitlist_desk import Bistro
from support.waitlist_service import PATH, Guest, WaitlistService, running_waitlist
from support.webhook_service import SUBSCRIPTIONS, running_webhook_service

BODY = ["id", "event", "resource", "resourceId", "timestamp", "apiVersion", "eventId", "data"]

pytestmark = pytest.mark.timeout(180)


@asynccontextmanager
async def subscribed(servers: Servers) -> AsyncIterator[tuple[WaitlistService, Guest, Subscriber]]:
    """All three services, and an organization with a subscriber of all that happens on its waitlist."""
    async with (
        running_service(servers) as booking,
        running_waitlist(servers, booking) as waitlist,
        running_webhook_service(servers) as webhooks,
        subscriber() as receiver,
    ):
        staff = await waitlist.staff()
        owner = Caller(staff.org_id, webhooks.base, webhooks.http, staff.waitlist.headers)
        asked = {"url": receiver.url, "events": ["waitlist_entry.*"], "ordering": "resource"}
        receiver.expect((await owner.post(SUBSCRIPTIONS, asked)).data["secret"])
        yield waitlist, staff, receiver


async def arrived(receiver: Subscriber, event: str, entry_id: str) -> dict[str, Any]:
    """Wait for what a webhook tells of an entry; its data."""

    def data() -> list[dict[str, Any]]:
        found = (body for webhook_id, body in receiver.events.items() if webhook_id in receiver.accepted)
        return [body["data"] for body in found if (body["event"], body["resourceId"]) == (event, entry_id)]

    async def has_arrived() -> bool:
        return bool(data())

    await eventually(has_arrived)
    (only,) = data()
    return only


async def test_a_guests_way_through_the_waitlist_is_told_by_webhooks(servers: Servers) -> None:
    """Seed 000: "Fired when a guest joins the waitlist. The full waitlist entry is spread into data." """
    async with subscribed(servers) as (_, staff, receiver):
        entry = await staff.joined(locationId=await staff.location())
        changed = (await staff.waitlist.patch(f"{PATH}/{entry['id']}", {"partySize": 2})).data
        gone = (await staff.waitlist.delete(f"{PATH}/{entry['id']}")).data

        async def all_arrived() -> bool:
            return len(receiver.accepted) == 3

        await eventually(all_arrived)
        told = {body["event"]: body for body in receiver.events.values()}
        assert receiver.refused == []
    changes: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "waitlist_entry.joined": (entry, {}),
        "waitlist_entry.updated": (changed, {"changes": {"partySize": {"from": 1, "to": 2}}}),
        "waitlist_entry.removed": (gone, {"reason": "staff"}),
    }
    assert told.keys() == changes.keys()
    for kind, (shown, change) in changes.items():
        snapshot = {name: value for name, value in shown.items() if name not in {"position", "estimatedWaitMinutes"}}
        assert (list(told[kind]), told[kind]["apiVersion"]) == (BODY, "2026-11-01")
        assert told[kind]["data"] == {**snapshot, **change}
        assert (told[kind]["resource"], told[kind]["resourceId"]) == ("waitlist_entry", entry["id"])


async def test_what_a_guest_gives_up_is_offered_to_the_next_and_again_when_that_one_cancels(servers: Servers) -> None:
    """From a guest's cancellation over both topics to the webhook of who is next, as often as it happens."""
    async with subscribed(servers) as (service, staff, receiver):
        bistro = await Bistro.of(staff, tables=0)
        first, second = await service.client(staff), await service.client(staff)
        gone = await service.client(staff)
        await staff.booking.table(bistro.location_id, 2)
        body: dict[str, Any] = {"location_id": bistro.location_id, "party_size": 2, "client_id": gone.client_id}
        taken = (await staff.booking.book(at=SOON, minutes=90, **body)).data
        entries = [await bistro.joins(userId=client.client_id, contact=None) for client in (first, second)]

        await cancels(service, gone, taken["id"])
        offered = await arrived(receiver, "waitlist_entry.notified", entries[0]["id"])
        assert (offered["status"], offered["attempt"], offered["userId"]) == ("notified", 1, first.client_id)
        assert (offered["slot"]["startTime"], offered["slot"]["endTime"]) == times(SOON)
        assert datetime.fromisoformat(offered["expiresAt"]) < SOON

        accepted = (await first.waitlist.post(f"{PATH}/{entries[0]['id']}/convert", {})).data
        converted = await arrived(receiver, "waitlist_entry.converted", entries[0]["id"])
        assert converted["bookingId"] == accepted["bookingId"] != taken["id"]
        assert (await second.waitlist.get(f"{PATH}/{entries[1]['id']}")).data["status"] == "waiting"

        await cancels(service, first, accepted["bookingId"])
        passed_on = await arrived(receiver, "waitlist_entry.notified", entries[1]["id"])
        assert (passed_on["slot"], passed_on["offerId"] != offered["offerId"]) == (offered["slot"], True)
        async with service.http.get(service.base + passed_on["claimUrl"].partition("8080")[2]) as page:
            assert page.status == 200
        assert receiver.refused == []


async def test_who_declines_and_who_comes_too_late_is_told_of(servers: Servers) -> None:
    """Of three that are told of one place, one declines, one is first, and of the last the notice ends."""
    async with subscribed(servers) as (_, staff, receiver):
        bistro = await Bistro.of(staff)
        await bistro.policy(policy="notify_all")
        entries = [(await bistro.joins())["id"] for _ in range(3)]
        await bistro.falls_free()
        offered = [await arrived(receiver, "waitlist_entry.notified", entry_id) for entry_id in entries]
        declined = (await staff.waitlist.post(f"{PATH}/{entries[0]}/decline", {})).data
        assert (await staff.waitlist.post(f"{PATH}/{entries[1]}/convert", {})).status == 200
        told = [
            await arrived(receiver, "waitlist_entry.declined", entries[0]),
            await arrived(receiver, "waitlist_entry.offer_expired", entries[2]),
        ]
        late = (await staff.waitlist.get(f"{PATH}/{entries[2]}")).data
        for shown, data, offer in zip((declined, late), told, (offered[0], offered[2]), strict=True):
            snapshot = {name: value for name, value in shown.items() if name in data}
            assert snapshot.items() <= data.items()
            assert (data["id"], data["status"], data["offerId"]) == (shown["id"], "waiting", offer["offerId"])
        assert all(list(body) == BODY for body in receiver.events.values())
        assert receiver.refused == []


async def cancels(service: WaitlistService, client: Guest, booking_id: str) -> None:
    """Cancel a booking with the client's own key."""
    key = await service.booking.client(client.org_id, str(client.client_id))
    cancelled = await key.delete(f"/api/v1/bookings/{booking_id}")
    assert cancelled.status == 200, cancelled.body


def times(start: datetime) -> tuple[str, str]:
    """When a visit that starts then begins and ends, as the waitlist writes it."""
    return text(start), text(start + timedelta(minutes=90))
