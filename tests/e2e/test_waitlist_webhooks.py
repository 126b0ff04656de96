"""What happens on a waitlist reaches a webhook: seed 000's events, delivered by the dispatcher."""

from typing import Any

import pytest

from support.booking_service import Caller, running_service
from support.servers import Servers
from support.subscriber import subscriber
from support.waiting import eventually
from support.waitlist_service import PATH, running_waitlist
from support.webhook_service import SUBSCRIPTIONS, running_webhook_service

pytestmark = pytest.mark.timeout(180)


async def test_a_guests_way_through_the_waitlist_is_told_by_webhooks(servers: Servers) -> None:
    """Seed 000: "Fired when a guest joins the waitlist. The full waitlist entry is spread into data." """
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
        assert told[kind]["data"] == {**snapshot, **change}
        assert (told[kind]["resource"], told[kind]["resourceId"]) == ("waitlist_entry", entry["id"])
