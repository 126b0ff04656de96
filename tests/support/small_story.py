"""A small run in which everything happens once, from bookings, a waitlist and a Cal.com to strangers and poison.

Invariant: it is a right one: no check finds anything in it, and each has something to look at.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from support.reservations import RESERVATION
from support.small_house import (
    BOOKINGS,
    CLASS,
    DESK,
    HOUR,
    NO_PLACE,
    OURS,
    ROOM,
    TABLE,
    TEN,
    THEIRS,
    WAITLIST,
    Story,
    taken,
    text,
)


def _at_the_desk(story: Story) -> None:
    """Two share the desk; one is moved, one called off, and a third gets the time."""
    story.book(OURS, "ada", TEN, at=1, schedule_id=DESK)
    story.book(OURS, "bob", TEN, at=2, schedule_id=DESK)
    confirmed = {"from_status": "pending", "to_status": "confirmed"}
    story.change("ada", "confirmed", confirmed, {"status": "CONFIRMED"}, status="CONFIRMED")
    cancelled = {"from_status": "pending", "to_status": "cancelled"}
    bob = story.bookings["bk_bob"]
    story.happens({**bob, "status": "CANCELLED", "version": 2}, "cancelled", cancelled)
    gone = {"id": "bk_bob", "status": "CANCELLED", "cancelled": True}
    story.run.told(OURS, "DELETE", f"{BOOKINGS}/bk_bob", None, gone)
    story.book(OURS, "cleo", TEN, at=2, schedule_id=DESK)
    moved = {"changes": {"start_time": {"from": text(TEN), "to": text(TEN + HOUR)}}}
    times = {"start_time": text(TEN + HOUR), "end_time": text(TEN + 2 * HOUR)}
    story.change("ada", "updated", moved, times, **times)
    story.run.told(OURS, "GET", f"{BOOKINGS}/bk_ada", None, story.bookings["bk_ada"])
    story.book(THEIRS, "dan", TEN, at=4, schedule_id=ROOM)


def _in_class(story: Story) -> None:
    """Two spots: both are taken, one falls free, and is taken again."""
    instance = {
        "id": CLASS,
        "org_id": OURS,
        "service_id": "svc_yoga",
        "attendance": 2,
        "max_attendance": 2,
        "sequence": 0,
        "last_event_id": None,
    }
    story.run.tables["booking.event_instances"].append(instance)
    for name in ("eve", "fred"):
        story.book(OURS, name, TEN, at=None, event_instance_id=CLASS)
    change = {"from_status": "pending", "to_status": "cancelled"}
    story.change("eve", "cancelled", change, {"status": "CANCELLED"}, status="CANCELLED")
    story.book(OURS, "gus", TEN, at=None, event_instance_id=CLASS)


def _on_the_waitlist(story: Story) -> None:
    """One guest is offered a table and accepts, the next is offered it later and has it held."""
    first = _joined(story, "ida", TEN)
    offer = _offered(story, first, TEN, state="accepted")
    body: dict[str, Any] = {}
    sent_at = story.run.now
    made = {
        **RESERVATION,
        **NO_PLACE,
        "id": "bk_ida",
        "location_id": "loc_bistro",
        "table_ids": [TABLE],
        "version": 1,
    }
    made |= {"start_time": text(TEN), "end_time": text(TEN + HOUR), "source": "waitlist", "status": "CONFIRMED"}
    story.owners["bk_ida"], story.where["bk_ida"] = OURS, 3
    context = {"source": "waitlist", "party_size": 1, "waitlist_entry_id": first["id"]}
    story.happens(made, "created", context, actor="system")
    converted = {**first, "status": "converted", "bookingId": "bk_ida", "version": 3}
    event = story.run.happens(OURS, "waitlist_entry.converted", converted, {"bookingId": "bk_ida"})
    shown = event["data"]["resource"] | {"position": None}
    story.run.told(OURS, "POST", f"{WAITLIST}/{offer['entry_id']}/convert", body, shown, sent_at=sent_at, key="convert")
    second = _joined(story, "jim", TEN + HOUR)
    held = _offered(story, second, TEN + HOUR, state="live")
    hold = {"id": held["hold_id"], "org_id": OURS, "expires_at": held["expires_at"]}
    hold |= {"start_time": held["start_time"], "end_time": held["start_time"] + HOUR}
    story.run.tables["booking.holds"].append(hold)
    story.run.tables["booking.occupancy"].append(taken(3, hold, hold_id=hold["id"]))


def _joined(story: Story, name: str, start: datetime) -> dict[str, Any]:
    contact = {"name": name, "email": f"{name}@guest.example", "phone": None}
    wish = {"locationId": "loc_bistro", "requestedDate": start.date().isoformat(), "contact": contact, "partySize": 1}
    entry = {**wish, "id": f"wle_{name}", "userId": None, "status": "waiting", "bookingId": None, "version": 1}
    event = story.run.happens(OURS, "waitlist_entry.joined", entry, {})
    shown = event["data"]["resource"] | {"position": 1}
    story.run.told(OURS, "POST", WAITLIST, wish, shown, key=f"join-{name}", status=201)
    return entry


def _offered(story: Story, entry: Mapping[str, Any], start: datetime, *, state: str) -> dict[str, Any]:
    offer_id, expires_at = f"wlo_{entry['id']}", story.run.now.replace(microsecond=0) + timedelta(minutes=15)
    slot = {"startTime": text(start), "endTime": text(start + HOUR), "tableIds": [TABLE]}
    change = {"offerId": offer_id, "expiresAt": text(expires_at), "slot": slot, "attempt": 1}
    change["claimUrl"] = f"https://example.com/w/{entry['id']}-token"
    notified = {**entry, "status": "notified", "version": 2}
    story.run.happens(OURS, "waitlist_entry.notified", notified, change, actor="system")
    offer = {
        "id": offer_id,
        "org_id": OURS,
        "entry_id": entry["id"],
        "held": True,
        "hold_id": f"hld_{entry['id']}",
        "state": state,
        "start_time": start,
        "expires_at": expires_at,
    }
    story.run.tables["waitlist.offers"].append(offer)
    return offer


def _from_calcom(story: Story) -> None:
    """A booking at Cal.com is found, and found again when it was moved there."""
    booking_id, chain = "bk_from_calcom", "uid_first"
    story.owners[booking_id], story.where[booking_id] = OURS, 2
    external = {"provider": "calcom", "uid": chain, "conflict": False}
    one = {**RESERVATION, **NO_PLACE, "id": booking_id, "schedule_id": DESK, "version": 1, "external": external}
    first = {**one, "start_time": text(TEN + 3 * HOUR), "end_time": text(TEN + 4 * HOUR)}
    seen = _observed(story, chain, [chain])
    story.happens(first, "created", {"source": "calcom", "party_size": 1}, actor="calcom", causationid=seen["id"])
    _applied(story, seen, "created", booking_id)
    seen = _observed(story, chain, [chain, "uid_second"])
    times = {"start_time": text(TEN + 5 * HOUR), "end_time": text(TEN + 6 * HOUR)}
    moved = {**first, **times, "version": 2, "external": {**external, "uid": "uid_second"}}
    changes = {"changes": {"start_time": {"from": first["start_time"], "to": moved["start_time"]}}}
    story.happens(moved, "updated", changes, actor="calcom", causationid=seen["id"])
    answer = _applied(story, seen, "updated", booking_id)
    chained = {"org_id": OURS, "chain_id": chain}
    kept = {**chained, "booking_id": booking_id, "sequence": 2, "answers": 2, "last_answer_id": answer["id"]}
    story.run.tables["booking.external_bookings"].append(kept)
    story.run.tables["calcom_sync.chains"].append({**chained, "sequence": 2, "last_event_id": seen["id"]})
    story.run.tables["calcom_sync.runs"].append({"id": "run_one", "org_id": OURS})
    story.run.tables["calcom_sync.run_items"].append(
        {"event_id": seen["id"], "run_id": "run_one", "outcome": "updated"}
    )
    story.run.calcom["uid_second"] = {
        **chained,
        "status": "accepted",
        "start": TEN + 5 * HOUR,
        "end": TEN + 6 * HOUR,
        "is_deleted": False,
    }


def _observed(story: Story, chain: str, uids: Sequence[str]) -> dict[str, Any]:
    resource = {"chain_id": chain, "uid": uids[-1], "uids": list(uids), "schedule_id": DESK}
    change = {"found_by": "sync", "run_id": "run_one", "changed": []}
    return story.run.happens(OURS, "calcom_booking.observed", resource, change, actor="calcom")


def _applied(story: Story, seen: Mapping[str, Any], outcome: str, booking_id: str) -> dict[str, Any]:
    resource = {"chain_id": seen["subject"], "uid": seen["data"]["resource"]["uid"], "outcome": outcome}
    resource |= {"observed_sequence": seen["sequence"], "booking_id": booking_id, "problem": None}
    change = {"run_id": "run_one"}
    return story.run.happens(OURS, "calcom_booking.applied", resource, change, actor="calcom", causationid=seen["id"])


def _strangers_and_poison(story: Story) -> None:
    """Somebody asks for what is another's, and records that nobody can read are put before good ones."""
    refused = {"code": "not_found", "message": "there is no booking bk_ada"}
    story.run.told(THEIRS, "GET", f"{BOOKINGS}/bk_ada", None, refused, status=404)
    for topic in ("booking.events", "calcom.bookings"):
        story.run.put_poison(topic, b'{"specversion":"1.0","id":"evt_')
    change = {"from_status": "pending", "to_status": "confirmed"}
    story.change("dan", "confirmed", change, {"status": "CONFIRMED"}, status="CONFIRMED")


def a_small_story() -> Story:
    """Make a right one that has settled, which a test may go on with."""
    story = Story()
    story.open()
    for part in (_at_the_desk, _in_class, _on_the_waitlist, _from_calcom, _strangers_and_poison):
        part(story)
    story.keep()
    queue = {"org_id": OURS, "queue": "loc_bistro", "due_at": story.run.now + HOUR, "marked_at": story.run.now + HOUR}
    story.run.tables["waitlist.queues"].append(queue)
    return story
