"""Breaches of I1 to I3, planted one at a time: each is found, by its own rule and by no other."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chaos.evidence import Evidence
from support.planting import Plant, found_with, other, records_of, row, stored, without
from support.small_house import BOOKINGS, OURS, SUBSCRIPTIONS, THEIRS, WAITLIST, Story

DAY = timedelta(days=1)
ADA = f"{BOOKINGS}/bk_ada"


def a_table_that_is_not_there(story: Story) -> None:
    story.run.told(OURS, "POST", "/api/v1/tables", {}, {"id": "tbl_none"}, status=201)


def another_title(story: Story) -> None:
    ada = story.bookings["bk_ada"] | {"title": "Never so"}
    other(story.run.answers, lambda one: one.path == ADA and one.method == "PATCH", told={"data": ada})


def a_look_at_what_never_was(story: Story) -> None:
    story.run.told(OURS, "GET", ADA, None, story.bookings["bk_ada"] | {"title": "Never so"})


def an_answer_to_something_else(story: Story) -> None:
    other(story.run.answers, lambda one: one.method == "PATCH", body={"status": "SEATED"})


def an_answer_before_its_time(story: Story) -> None:
    early = story.run.answers[0].sent_at
    other(story.run.answers, lambda one: one.path == WAITLIST, sent_at=early, ended_at=early)


def a_row_that_was_lost(story: Story) -> None:
    row(story, "booking.bookings", id="bk_ada")["title"] = "As it was"


def a_key_for_two(story: Story) -> None:
    first = next(one for one in story.run.answers if one.idempotency_key == "key-ada" and one.status == 200)
    bob = next(one for one in story.run.answers if one.idempotency_key == "key-bob" and one.status == 200)
    story.run.answers.append(replace(first, told=bob.told, sent_at=bob.sent_at, ended_at=bob.ended_at))


def a_change_taken_back(story: Story) -> None:
    first = next(one for one in story.run.answers if one.idempotency_key == "key-ada" and one.status == 200)
    assert isinstance(first.told, dict)
    story.run.told(OURS, "GET", ADA, None, first.told["data"], sent_at=story.run.tick())


def a_booking_nobody_asked_for(story: Story) -> None:
    story.run.answers[:] = [one for one in story.run.answers if one.idempotency_key != "key-gus"]


def a_guest_who_joined_twice(story: Story) -> None:
    entry = {"id": "wle_twin", "status": "waiting", "locationId": "loc_bistro", "requestedDate": "2026-12-01"}
    contact = {"name": "ida", "email": "ida@guest.example", "phone": None}
    story.run.happens(OURS, "waitlist_entry.joined", {**entry, "userId": None, "contact": contact, "version": 1}, {})
    story.keep()


def a_change_that_was_refused(story: Story) -> None:
    _retitle(story)
    refused = {"error": {"code": "slot_unavailable"}}
    other(story.run.answers, lambda one: one.method == "PATCH", status=409, told=refused)


def a_change_that_was_made_twice(story: Story) -> None:
    _retitle(story)
    _retitle(story)
    story.run.answers.pop()


def _retitle(story: Story) -> None:
    title = f"Talk {len(story.run.answers)}"
    changes = {"changes": {"title": {"from": None, "to": title}}}
    story.change("dan", "updated", changes, {"title": title}, title=title)
    story.keep()


def an_entry_that_left_by_itself(story: Story) -> None:
    entry = {"id": "wle_jim", "status": "removed", "version": 3, "bookingId": None}
    story.run.happens(OURS, "waitlist_entry.removed", entry, {"reason": "staff"})
    row(story, "waitlist.offers", entry_id="wle_jim")["state"] = "withdrawn"
    story.keep()


def a_subscription_that_is_not_disabled(story: Story) -> None:
    row(story, "webhook_dispatcher.subscriptions", state="disabled")["state"] = "active"


def a_subscription_that_is_not_deleted(story: Story) -> None:
    story.run.told(THEIRS, "DELETE", f"{SUBSCRIPTIONS}/sub_theirs", None, {"id": "sub_theirs", "deleted": True})


def an_outbox_that_was_forgotten(story: Story) -> None:
    value = next(one.value for one in story.run.records if one.topic == "waitlist.events")
    story.run.tables["waitlist.outbox"].append({"event_id": "evt_1", "value": value})


def an_event_set_aside(story: Story) -> None:
    value = next(one.value for one in story.run.records if one.topic == "booking.events")
    story.run.tables["booking.outbox_set_aside"].append({"event_id": "evt_1", "value": value})


def history_that_nobody_heard(story: Story) -> None:
    ghost = {"event_id": "evt_ghost", "booking_id": "bk_ghost", "sequence": 1, "type": "reservation.assigned"}
    story.run.tables["booking.history"].append({**row(story, "booking.history"), **ghost})


def a_number_that_nobody_heard(story: Story) -> None:
    row(story, "waitlist.entries", id="wle_jim")["sequence"] += 1


def another_last_event(story: Story) -> None:
    row(story, "calcom_sync.chains")["last_event_id"] = "evt_other"


def another_key(story: Story) -> None:
    other(story.run.records, lambda one: one.topic == "booking.events" and one.key == b"bk_dan", key=b"bk_cleo")


def one_event_as_two(story: Story) -> None:
    last = next(one for one in reversed(story.run.records) if one.key == b"bk_dan")
    story.run.publish(last.topic, last.key, (last.value or b"") + b" ")


def events_in_the_wrong_order(story: Story) -> None:
    """Exchange the places of two events, everywhere where they are named."""
    claims = [one for one in story.run.tables["webhook_dispatcher.events"] if b'"subject":"bk_ada"' in one["record"]]
    first, second = claims[-2:]
    (here,), (there,) = (records_of(story, one["event_id"]) for one in (first, second))
    one, another = story.run.records[here], story.run.records[there]
    story.run.records[here] = replace(another, offset=one.offset)
    story.run.records[there] = replace(one, offset=another.offset)
    first["position"], second["position"] = second["position"], first["position"]


def an_offset_behind(story: Story) -> Evidence:
    committed = dict(story.evidence().stored.committed)
    place = next(one for one in committed if one[0] == "waitlist-matching" and committed[one] > 1)
    return stored(story, committed={**committed, place: committed[place] - 1})


def a_delivery_beside_its_event(story: Story) -> None:
    row(story, "webhook_dispatcher.events", org_id=OURS)["matched"] += 1


def a_record_passed_over(story: Story) -> None:
    gap = {"topic": "booking.events", "partition": 1, "first": 3, "next": 4}
    story.run.tables["webhook_dispatcher.gaps"].append(gap)


def an_effect_without_a_claim(story: Story) -> None:
    without(story, "booking.inbox")


def a_claim_of_nothing(story: Story) -> None:
    row(story, "calcom_sync.inbox")["position"] += 1


def a_snapshot_applied_twice(story: Story) -> None:
    twin = {"chain_id": "uid_first", "uid": "uid_second", "observed_sequence": 2, "outcome": "updated"}
    cause = row(story, "calcom_sync.chains")["last_event_id"]
    kind, change = "calcom_booking.applied", {"run_id": "run_one"}
    answer = story.run.happens(OURS, kind, {**twin, "problem": None}, change, actor="calcom", causationid=cause)
    row(story, "booking.external_bookings").update(answers=3, last_answer_id=answer["id"])


def a_chain_left_behind(story: Story) -> None:
    row(story, "booking.external_bookings")["sequence"] = 1


def a_booking_under_an_old_uid(story: Story) -> None:
    row(story, "booking.bookings", id="bk_from_calcom")["external_uid"] = "uid_first"
    story.run.calcom.clear()


def an_answer_that_no_run_noted(story: Story) -> None:
    row(story, "calcom_sync.run_items")["outcome"] = None


def an_appointment_that_was_called_off(story: Story) -> None:
    story.run.calcom["uid_second"] = {**story.run.calcom["uid_second"], "status": "cancelled"}


def an_appointment_that_never_came(story: Story) -> None:
    story.run.calcom["uid_new"] = {**story.run.calcom["uid_second"], "chain_id": "uid_new"}


def attempts_that_were_not_counted(story: Story) -> None:
    row(story, "webhook_dispatcher.endpoint_health", subscription_id="sub_healthy")["position"] -= 1


def a_queue_that_nobody_looked_at(story: Story) -> None:
    row(story, "waitlist.queues").update(due_at=story.run.now - DAY, marked_at=story.run.now - DAY)


@pytest.mark.parametrize(
    ("plant", "invariant", "what"),
    [
        (a_table_that_is_not_there, "I1", "what a client was told to be is in no table"),
        (another_title, "I1", "what a client was told never was so by then, by history and topic"),
        (a_look_at_what_never_was, "I1", "what a client was told never was so by then, by history and topic"),
        (
            an_answer_to_something_else,
            "I1",
            "a client was told that something was done, but not as it was asked for",
        ),
        (an_answer_before_its_time, "I1", "what a client was told never was so by then, by history and topic"),
        (a_row_that_was_lost, "I1", "a row is not what was told of it last"),
        (a_key_for_two, "I1", "one idempotency key was told two things"),
        (a_change_taken_back, "I1", "a client was told of a version that is earlier than one that was told before"),
        (a_booking_nobody_asked_for, "I1", "more came to be than was asked for"),
        (a_guest_who_joined_twice, "I1", "more came to be than was asked for"),
        (a_change_that_was_refused, "I1", "more was changed than its organization asked for"),
        (a_change_that_was_made_twice, "I1", "more was changed than its organization asked for"),
        (an_entry_that_left_by_itself, "I1", "more was changed than its organization asked for"),
        (a_subscription_that_is_not_disabled, "I1", "a subscription has not ended as its client was told"),
        (a_subscription_that_is_not_deleted, "I1", "a subscription has not ended as its client was told"),
        (an_outbox_that_was_forgotten, "I2", "an event was never published"),
        (an_event_set_aside, "I2", "an event was never published"),
        (history_that_nobody_heard, "I2", "an event of the history is not on its topic"),
        (a_number_that_nobody_heard, "I2", "a topic does not have all that was told of something, each number once"),
        (another_last_event, "I2", "a topic does not have all that was told of something, each number once"),
        (another_key, "I2", "one resource's events have another key, or lie in more than one partition"),
        (one_event_as_two, "I2", "an event was published as two"),
        (events_in_the_wrong_order, "I2", "events of one key are not in the order of their numbers"),
        (an_offset_behind, "I3", "a group's offset is not at the log's end"),
        (a_delivery_beside_its_event, "I3", "an event's deliveries are not those that were written with its claim"),
        (a_record_passed_over, "I3", "records were passed over without a trace"),
        (an_effect_without_a_claim, "I3", "an event is not claimed once, as it stands on its topic"),
        (a_claim_of_nothing, "I3", "an event is not claimed once, as it stands on its topic"),
        (a_snapshot_applied_twice, "I3", "a snapshot of Cal.com's was not applied once, as its answer says"),
        (a_chain_left_behind, "I3", "booking is not at the last snapshot of a chain"),
        (a_booking_under_an_old_uid, "I3", "a chain's booking is not that of the last snapshot that was taken over"),
        (an_answer_that_no_run_noted, "I3", "a run did not note what booking answered"),
        (an_appointment_that_was_called_off, "I3", "an appointment does not stand here as it does at Cal.com"),
        (an_appointment_that_never_came, "I3", "an appointment does not stand here as it does at Cal.com"),
        (attempts_that_were_not_counted, "I3", "an endpoint's health is not made of all of its attempts"),
        (a_queue_that_nobody_looked_at, "I3", "a queue was marked and never looked at"),
    ],
)
def test_a_planted_breach_is_found_by_its_own_rule_alone(plant: Plant, invariant: str, what: str) -> None:
    assert found_with(plant) == [(invariant, what)]


def test_a_repetition_of_the_same_bytes_is_no_breach() -> None:
    """I2: «Every outbox row is published at least once»."""

    def again(story: Story) -> None:
        last = next(one for one in reversed(story.run.records) if one.key == b"bk_dan")
        story.run.publish(last.topic, last.key, last.value or b"")

    assert found_with(again) == []


def test_what_a_client_heard_nothing_of_may_have_happened_or_not() -> None:
    def unheard(story: Story) -> None:
        body = {"attendee": {"email": "nobody@guest.example"}}
        story.run.told(OURS, "POST", BOOKINGS, body, None, status=None, key="unheard")
        wish = {"locationId": "loc_bistro", "requestedDate": "2026-12-01", "contact": body["attendee"]}
        story.run.told(OURS, "POST", WAITLIST, wish, None, status=None, key="unheard, too")

    assert found_with(unheard) == []
