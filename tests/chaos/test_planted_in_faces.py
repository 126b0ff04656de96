"""Breaches of I9 to I11, planted one at a time: each is found, by its own rule and by no other."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from support.planting import Plant, found_with, other, row, stored, without
from support.small_house import BOOKINGS, OURS, THEIRS, Story
from webhook_dispatcher.consumer import GROUP

FEED = "the feed does not tell what history has, in its order"
UNKNOWN = "a feed tells of what history has not, or tells it twice"
ASIDE = "a record that could not be read is not with the dead letters as it stood, with the reason"
POISONED = "booking.events.dlq"


def a_change_that_history_tells_otherwise(story: Story) -> None:
    for told in (row(story, "booking.history", booking_id="bk_dan"), story.run.feeds[THEIRS][-1]):
        told["data"] = {**told["data"], "reason": "Rewritten"}


def an_actor_that_history_does_not_know(story: Story) -> None:
    row(story, "booking.history", booking_id="bk_dan")["actor"] = "client"


def an_event_that_history_has_not(story: Story) -> None:
    gone = without(story, "booking.history", booking_id="bk_from_calcom")
    story.run.feeds[OURS] = [one for one in story.run.feeds[OURS] if one["id"] != gone["event_id"]]


def a_feed_that_tells_otherwise(story: Story) -> None:
    story.run.feeds[THEIRS][-1]["data"] = {}


def a_feed_in_another_order(story: Story) -> None:
    story.run.feeds[THEIRS].reverse()


def a_feed_that_leaves_something_out(story: Story) -> None:
    story.run.feeds[THEIRS].pop()


def a_feed_that_tells_too_much(story: Story) -> None:
    story.run.feeds[THEIRS].append({**story.run.feeds[THEIRS][0], "id": "evt_unknown"})


def a_feed_that_tells_it_twice(story: Story) -> None:
    story.run.feeds[THEIRS].append(story.run.feeds[THEIRS][-1])


def a_webhook_that_tells_otherwise(story: Story) -> None:
    body = next(one.event for one in story.run.arrivals if one.subscription_id == "sub_theirs")
    changed = {**body, "data": {**body["data"], "title": "Something else"}}
    other(story.run.arrivals, lambda one: one.event is body, event=changed)


def a_request_that_was_granted_to_a_stranger(story: Story) -> None:
    story.run.told(THEIRS, "GET", f"{BOOKINGS}/bk_ada", None, {})


def a_change_that_names_what_is_another_s(story: Story) -> None:
    story.run.told(THEIRS, "PATCH", f"{BOOKINGS}/bulk", {"ids": ["bk_ada"]}, [])


def a_list_with_what_is_another_s(story: Story) -> None:
    story.run.told(OURS, "GET", BOOKINGS, None, [{"id": "bk_ada"}, {"id": "bk_dan"}])


def a_row_that_names_what_is_another_s(story: Story) -> None:
    policy = {"org_id": OURS, "place_id": "bk_dan", "way": "offer_one"}
    story.run.tables["waitlist.policies"].append(policy)


def a_row_that_joins_two(story: Story) -> None:
    delivery = row(story, "webhook_dispatcher.deliveries", org_id=OURS)["id"]
    story.run.tables["webhook_dispatcher.turns"].append({"delivery_id": delivery, "subscription_id": "sub_theirs"})


def an_event_that_was_taken_in_for_another(story: Story) -> None:
    row(story, "webhook_dispatcher.events", org_id=THEIRS, matched=1)["org_id"] = OURS


def poison_that_was_lost(story: Story) -> None:
    story.run.records[:] = [one for one in story.run.records if one.topic != POISONED]


def poison_that_one_group_passed_over(story: Story) -> None:
    gone = next(one for one in story.run.records if one.topic == POISONED)
    story.run.records.remove(gone)


def poison_that_was_changed(story: Story) -> None:
    other(story.run.records, lambda one: one.topic == POISONED, value=b"{}")


def poison_under_another_key(story: Story) -> None:
    other(story.run.records, lambda one: one.topic == POISONED, key=None)


def poison_without_a_reason(story: Story) -> None:
    letter = next(one for one in story.run.records if one.topic == POISONED)
    headers = {**letter.headers, "slotwire-dead-letter-reason": b""}
    other(story.run.records, lambda one: one is letter, headers=headers)


def poison_on_the_wrong_topic(story: Story) -> None:
    other(story.run.records, lambda one: one.topic == POISONED, topic="waitlist.events.dlq")


def a_good_record_that_was_set_aside(story: Story) -> None:
    headers = {"slotwire-dead-letter-group": GROUP.encode(), "slotwire-dead-letter-origin": b"booking.events/0/0"}
    story.run.publish(POISONED, b"bk_ada", b"{}", headers)


@pytest.mark.parametrize(
    ("plant", "invariant", "what"),
    [
        (a_change_that_history_tells_otherwise, "I9", "history and topic do not tell the same of an event"),
        (an_actor_that_history_does_not_know, "I9", "history and topic do not tell the same of an event"),
        (an_event_that_history_has_not, "I9", "a topic has an event that history has not"),
        (a_feed_that_tells_otherwise, "I9", FEED),
        (a_feed_in_another_order, "I9", FEED),
        (a_feed_that_leaves_something_out, "I9", FEED),
        (a_feed_that_tells_too_much, "I9", UNKNOWN),
        (a_feed_that_tells_it_twice, "I9", UNKNOWN),
        (a_webhook_that_tells_otherwise, "I9", "a webhook does not tell what its event does"),
        (
            a_request_that_was_granted_to_a_stranger,
            "I10",
            "a request that named another organization's was granted",
        ),
        (a_change_that_names_what_is_another_s, "I10", "a request that named another organization's was granted"),
        (a_list_with_what_is_another_s, "I10", "what is one organization's names what is another's, in its answer"),
        (a_row_that_names_what_is_another_s, "I10", "what is one organization's names what is another's, in its row"),
        (a_row_that_joins_two, "I10", "a row of webhook_dispatcher.turns joins two organizations"),
        (an_event_that_was_taken_in_for_another, "I10", "one thing is two organizations'"),
        (poison_that_was_lost, "I11", ASIDE),
        (poison_that_one_group_passed_over, "I11", ASIDE),
        (poison_that_was_changed, "I11", ASIDE),
        (poison_under_another_key, "I11", ASIDE),
        (poison_without_a_reason, "I11", ASIDE),
        (poison_on_the_wrong_topic, "I11", ASIDE),
        (a_good_record_that_was_set_aside, "I11", "a record was set aside that no poison was"),
    ],
)
def test_a_planted_breach_is_found_by_its_own_rule_alone(plant: Plant, invariant: str, what: str) -> None:
    assert found_with(plant) == [(invariant, what)]


def test_history_with_a_gap_is_found() -> None:
    """The topic cannot have such events either, which is found too."""

    def gap(story: Story) -> None:
        ghost = {**row(story, "booking.history"), "booking_id": "bk_ghost", "type": "reservation.assigned"}
        story.run.tables["booking.history"] += [
            {**ghost, "event_id": f"evt_ghost{number}", "sequence": number} for number in (1, 3)
        ]

    assert ("I9", "a booking's history has gaps, or goes back in time") in found_with(gap)


@pytest.mark.parametrize("back", [{"created_at": timedelta(seconds=1)}, {}])
def test_history_that_goes_back_is_found(back: dict[str, Any]) -> None:
    def backwards(story: Story) -> None:
        last = row(story, "booking.history", booking_id="bk_dan")
        if back:
            last["created_at"] -= timedelta(hours=1)
        else:
            last["event_id"] = "evt_0"

    assert ("I9", "a booking's history has gaps, or goes back in time") in found_with(backwards)


def test_an_event_and_a_webhook_that_name_what_is_another_s_are_found() -> None:
    """It is told everywhere alike, so it is found wherever it is told, and nothing else is."""

    def named(story: Story) -> None:
        changes = {"changes": {"title": {"from": None, "to": "bk_ada"}}}
        story.change("dan", "updated", changes, {"title": "bk_ada"}, title="bk_ada")
        other(story.run.answers, lambda one: one.method == "PATCH", body={})
        story.keep()

    sentence = "what is one organization's names what is another's, in its"
    assert found_with(named) == [
        ("I10", f"{sentence} {face}") for face in ("answer", "event", "feed", "row", "webhook")
    ]


@pytest.mark.parametrize("status", [404, 503, None])
def test_a_change_that_a_stranger_asked_for_is_found(status: int | None) -> None:
    """I10: «No request reads or changes another organization's rows», whatever it was answered."""

    def mine(story: Story) -> None:
        changes = {"changes": {"title": {"from": None, "to": "Mine"}}}
        story.change("dan", "updated", changes, {"title": "Mine"}, title="Mine")
        other(story.run.answers, lambda one: one.method == "PATCH", org_id=OURS, status=status, told=None)
        story.keep()

    assert found_with(mine) == [
        ("I1", "more was changed than its organization asked for"),
        ("I10", "something was changed as a stranger asked for it"),
    ]


def test_what_a_stranger_and_its_owner_asked_for_may_be_so() -> None:
    def alike(story: Story) -> None:
        changes = {"changes": {"title": {"from": None, "to": "Mine"}}}
        story.change("dan", "updated", changes, {"title": "Mine"}, title="Mine")
        story.run.told(OURS, "PATCH", f"{BOOKINGS}/bk_dan", {"title": "Mine"}, None, status=404)
        story.keep()

    assert found_with(alike) == []


def test_a_partition_that_stopped_at_poison_is_found() -> None:
    """Its group's offset is not at the log's end either."""

    def stopped(story: Story) -> Any:
        poison = story.run.poison[0]
        place = GROUP, poison.topic, poison.partition
        committed = {**story.evidence().stored.committed, place: poison.offset}
        return stored(story, committed=committed)

    assert found_with(stopped) == [
        ("I11", "a partition stopped at a record that could not be read"),
        ("I3", "a group's offset is not at the log's end"),
    ]


def test_poison_set_aside_twice_is_no_breach() -> None:
    """A consumer that is killed between the dead letter and the offset sets the record aside again."""

    def again(story: Story) -> None:
        letter = next(one for one in story.run.records if one.topic == POISONED)
        story.run.records.append(replace(letter, offset=99))

    assert found_with(again) == []


def test_what_others_left_before_the_run_is_not_the_run_s() -> None:
    def earlier(story: Story) -> None:
        headers = {"slotwire-dead-letter-group": GROUP.encode(), "slotwire-dead-letter-origin": b"booking.events/0/0"}
        letter = story.run.publish(POISONED, b"bk_ada", b"{}", headers)
        before = story.evidence().told.began_at - timedelta(days=1)
        other(story.run.records, lambda one: one is letter, timestamp=before)

    assert found_with(earlier) == []
