"""Breaches of I2 (at endpoints), I4, I5 and I12, planted one at a time: each is found by its own rule and no other."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from chaos.checks.accounting import every_delivery_is_accounted_for
from chaos.checks.promptness import PROMPT, first_attempts_are_prompt
from chaos.checks.publishing import all_is_published_in_order
from chaos.checks.quiet import FELT, FELT_BY_WORKERS
from chaos.evidence import Arrival, Evidence, Fault
from support.planting import Plant, found_with, other, row, stored, without
from support.small_house import OURS, SUBSCRIPTIONS, THEIRS, Story
from support.small_story import a_small_story
from webhook_dispatcher.domain.ids import delivery_id

HEALTHY, FAILING, DISABLED = "sub_healthy", "sub_failing", "sub_disabled"
LATE = PROMPT * 3
NOT_ONE = "an event and a subscription that wants it have not one delivery"
LEDGER = "the ledger does not account for an organization's deliveries"
PROMISE = "a healthy endpoint waited for its first attempt, and no fault was in the way"
OVERTAKEN = "an event came to a subscriber who wants the order kept before an earlier one had come to its end"
KEPT = "a delivery to a healthy endpoint was kept, and waited for its first attempt with no fault in the way"


def _is_of(subscription_id: str) -> Callable[[Arrival], bool]:
    return lambda one: one.subscription_id == subscription_id


def _of_ada(story: Story, subscription_id: str) -> list[int]:
    """Tell where stands what came to a subscriber of one booking."""
    came = enumerate(story.run.arrivals)
    return [place for place, one in came if _is_of(subscription_id)(one) and one.event["resourceId"] == "bk_ada"]


def _exchanged(story: Story, subscription_id: str) -> None:
    """Exchange the instants at which the last two of these came."""
    here, there = _of_ada(story, subscription_id)[-2:]
    one, another = story.run.arrivals[here], story.run.arrivals[there]
    story.run.arrivals[here] = replace(one, at=another.at)
    story.run.arrivals[there] = replace(another, at=one.at)


def _ended_late(story: Story, before: Arrival, after: Arrival) -> None:
    """Have a delivery come to its end when another one had come already."""
    settled_at = after.at + timedelta(milliseconds=1)
    row(story, "webhook_dispatcher.deliveries", id=before.webhook_id)["settled_at"] = settled_at


def a_webhook_that_overtook_another(story: Story) -> None:
    _exchanged(story, HEALTHY)


def a_webhook_that_did_not_wait_for_the_end(story: Story) -> None:
    before, after = (story.run.arrivals[place] for place in _of_ada(story, HEALTHY)[-2:])
    _ended_late(story, before, after)


def a_webhook_that_did_not_wait_until_one_was_given_up(story: Story) -> None:
    """Each of them was tried twice."""
    subscriber, status = story.run.subscribers[FAILING]
    story.run.subscribers[FAILING] = replace(subscriber, ordered=True), status
    before, after = (story.run.arrivals[place] for place in _of_ada(story, FAILING)[-3:-1])
    _ended_late(story, before, after)


def a_webhook_that_did_not_wait_until_one_was_taken(story: Story) -> None:
    """The one before it was refused when it first came, and taken when it came again."""
    before = _of_ada(story, HEALTHY)[-2]
    taken = story.run.arrivals[before]
    story.run.arrivals[before] = replace(taken, status=500)
    story.run.arrivals.append(replace(taken, at=story.run.tick()))


def a_delivery_that_was_never_made(story: Story) -> None:
    gone = without(story, "webhook_dispatcher.deliveries", subscription_id=HEALTHY)
    row(story, "webhook_dispatcher.events", event_id=gone["event_id"])["matched"] -= 1
    story.run.arrivals[:] = [one for one in story.run.arrivals if one.webhook_id != gone["id"]]


def a_delivery_that_nobody_wanted(story: Story) -> None:
    event = next(
        one for one in story.run.tables["webhook_dispatcher.events"] if b'"type":"reservation.' in one["record"]
    )
    event["matched"] += 1
    told = {"id": delivery_id(event["event_id"], DISABLED), "event_id": event["event_id"]}
    unwanted = row(story, "webhook_dispatcher.deliveries", subscription_id=DISABLED) | told
    story.run.tables["webhook_dispatcher.deliveries"].append(unwanted)


def a_delivery_given_up_that_was_taken(story: Story) -> None:
    last = next(one for one in reversed(story.run.arrivals) if one.subscription_id == FAILING)
    story.run.arrivals.append(replace(last, status=204))


def a_delivery_given_up_too_soon(story: Story) -> None:
    row(story, "webhook_dispatcher.subscriptions", id=FAILING)["retry"] = [1.0, 1.0]


def a_delivery_given_up_too_soon_the_second_time(story: Story) -> None:
    row(story, "webhook_dispatcher.deliveries", subscription_id=FAILING).update(round=1, earlier_attempts=1)


def an_attempt_that_never_came(story: Story) -> None:
    story.run.arrivals.remove(next(one for one in story.run.arrivals if one.subscription_id == FAILING))


def a_delivery_left_waiting(story: Story) -> None:
    row(story, "webhook_dispatcher.deliveries", subscription_id=FAILING)["state"] = "pending"


def a_discarding_without_a_reason(story: Story) -> None:
    story.run.answers[:] = [one for one in story.run.answers if not one.path.endswith("/disable")]


def a_discarding_at_a_strangers_word(story: Story) -> None:
    other(story.run.answers, lambda one: one.path.endswith("/disable"), org_id=THEIRS, status=404, told=None)


def an_attempt_that_was_lost(story: Story) -> None:
    without(story, "webhook_dispatcher.attempts", status=500)


def a_ledger_with_a_loss(story: Story) -> Evidence:
    ledgers = story.evidence().stored.ledgers
    return stored(story, ledgers={**ledgers, OURS: {**ledgers[OURS], "unaccounted": 1}})


def a_ledger_of_others(story: Story) -> Evidence:
    ledgers = story.evidence().stored.ledgers
    return stored(story, ledgers={**ledgers, THEIRS: ledgers[OURS]})


def a_delivery_under_a_drawn_id(story: Story) -> None:
    row(story, "webhook_dispatcher.deliveries", subscription_id=DISABLED)["id"] = "dlv_drawn"


def a_body_with_another_id(story: Story) -> None:
    body = next(one.event for one in reversed(story.run.arrivals) if one.subscription_id == HEALTHY)
    other(story.run.arrivals, _is_of(HEALTHY), event={**body, "id": "dlv_other"})


def a_signature_that_is_wrong(story: Story) -> None:
    other(story.run.arrivals, _is_of(FAILING), verified=False)


def a_webhook_out_of_nothing(story: Story) -> None:
    joined = next(one for one in story.run.arrivals if one.event["event"] == "waitlist_entry.joined")
    new_id = delivery_id(joined.event["eventId"], FAILING)
    made = replace(joined, subscription_id=FAILING, webhook_id=new_id, event={**joined.event, "id": new_id})
    story.run.arrivals.append(made)


def a_first_attempt_that_waited(story: Story) -> None:
    late = story.run.now + LATE
    last = other(story.run.arrivals, _is_of(HEALTHY), at=late)
    row(story, "webhook_dispatcher.deliveries", id=last.webhook_id)["created_at"] = late


def a_delivery_that_waited(story: Story) -> None:
    """Kafka was restarted, so that its record may have waited, and it did not."""
    other(story.run.arrivals, _is_of(HEALTHY), at=story.run.now + LATE)
    story.run.faults.append(Fault("restart", "kafka", story.run.now, story.run.now))


@pytest.mark.parametrize(
    ("plant", "invariant", "what"),
    [
        (a_webhook_that_overtook_another, "I2", OVERTAKEN),
        (a_webhook_that_did_not_wait_for_the_end, "I2", OVERTAKEN),
        (a_webhook_that_did_not_wait_until_one_was_given_up, "I2", OVERTAKEN),
        (a_webhook_that_did_not_wait_until_one_was_taken, "I2", OVERTAKEN),
        (a_delivery_that_was_never_made, "I4", NOT_ONE),
        (a_delivery_that_nobody_wanted, "I4", "a delivery is of an event that its subscription does not want"),
        (an_attempt_that_never_came, "I4", "attempts were answered that never came"),
        (a_delivery_given_up_that_was_taken, "I4", "a delivery is exhausted, which is not what happened"),
        (a_delivery_given_up_too_soon, "I4", "a delivery was given up before its last attempt"),
        (
            a_delivery_given_up_too_soon_the_second_time,
            "I4",
            "a delivery was given up before its last attempt",
        ),
        (a_delivery_left_waiting, "I4", "a delivery is pending, which is not what happened"),
        (a_discarding_without_a_reason, "I4", "a delivery is discarded, which is not what happened"),
        (a_discarding_at_a_strangers_word, "I4", "a delivery is discarded, which is not what happened"),
        (an_attempt_that_was_lost, "I4", "a delivery's attempts contradict it"),
        (a_ledger_with_a_loss, "I4", LEDGER),
        (a_ledger_of_others, "I4", LEDGER),
        (
            a_delivery_under_a_drawn_id,
            "I5",
            "a delivery has another id than its event and subscription give it",
        ),
        (a_body_with_another_id, "I5", "a webhook came under another id than its event and subscription give it"),
        (a_signature_that_is_wrong, "I5", "a webhook's signature is wrong"),
        (a_webhook_out_of_nothing, "I5", "a webhook came of which there is no delivery"),
        (a_first_attempt_that_waited, "I12", PROMISE),
        (a_delivery_that_waited, "I12", KEPT),
    ],
)
def test_a_planted_breach_is_found_by_its_own_rule_alone(plant: Plant, invariant: str, what: str) -> None:
    assert (invariant, what) in found_with(plant)
    assert found_with(plant) == [(invariant, what)]


def _of_no_concern(story: Story) -> None:
    """The subscriber does not ask for the order."""
    subscriber, status = story.run.subscribers[HEALTHY]
    story.run.subscribers[HEALTHY] = replace(subscriber, ordered=False), status


def _before_its_time(story: Story) -> None:
    """The subscriber was not there yet, and had them sent later."""
    subscriber, status = story.run.subscribers[HEALTHY]
    story.run.subscribers[HEALTHY] = replace(subscriber, created_at=story.run.now), status


def _opened_again(story: Story) -> None:
    """What was overtaken had come to an end before, and was asked for once more."""
    for place in _of_ada(story, HEALTHY):
        row(story, "webhook_dispatcher.deliveries", id=story.run.arrivals[place].webhook_id)["round"] = 1


@pytest.mark.parametrize("excuse", [_of_no_concern, _before_its_time, _opened_again])
def test_one_webhook_may_overtake_another_where_no_order_was_promised(excuse: Plant) -> None:
    story = a_small_story()
    _exchanged(story, HEALTHY)
    excuse(story)
    assert not all_is_published_in_order(story.evidence()).breaches


def test_what_was_taken_twice_had_come_to_its_end_when_it_was_taken_first() -> None:
    story = a_small_story()
    taken = story.run.arrivals[_of_ada(story, HEALTHY)[-2]]
    story.run.arrivals.append(replace(taken, at=story.run.tick()))
    assert not all_is_published_in_order(story.evidence()).breaches


def test_a_delivery_that_did_not_come_is_found() -> None:
    """Its attempt did not come either."""

    def lost(story: Story) -> None:
        other(story.run.arrivals, _is_of(HEALTHY), status=500)

    assert found_with(lost) == [
        ("I4", "a delivery is delivered, which is not what happened"),
        ("I4", "attempts were answered that never came"),
    ]


def test_another_body_under_one_id_is_found() -> None:
    """It is found as a body that tells other than its event, too."""

    def another(story: Story) -> None:
        body = next(one.event for one in reversed(story.run.arrivals) if one.subscription_id == FAILING)
        other(story.run.arrivals, _is_of(FAILING), event={**body, "timestamp": "2026-01-01T00:00:00Z"})

    found = found_with(another)
    assert [invariant for invariant, _ in found] == ["I5", "I9"]
    assert found[0][1] == "a webhook came again with another body"


@pytest.mark.parametrize(
    ("kind", "target", "excuses"),
    [
        ("kill", "webhook_dispatcher-0", True),
        ("pause", "kafka", True),
        ("cut", "webhook_dispatcher-1>postgres", True),
        ("rebalance", "webhook-dispatcher", True),
        ("rebalance", "booking", False),
        ("kill", "booking-0", False),
        ("slow", "booking-0>kafka", False),
        ("slow", "webhook_dispatcher>hanging-1", False),
        ("busy", "machine", False),
    ],
)
def test_only_a_fault_of_what_stands_between_excuses_a_late_attempt(kind: str, target: str, excuses: bool) -> None:
    """I12: «A dead or slow endpoint never delays another endpoint's first attempt»"""
    story = a_small_story()
    a_first_attempt_that_waited(story)
    story.run.faults.append(Fault(kind, target, story.run.now, story.run.now))
    found = first_attempts_are_prompt(story.evidence())
    assert bool(found.breaches) is not excuses


@pytest.mark.parametrize(
    ("kind", "target", "excuses"),
    [
        ("busy", "machine", True),
        ("pause", "booking-0", True),
        ("slow", "waitlist-0>kafka", True),
        ("cut", "clients>booking", False),
        ("kill", "booking-0", False),
    ],
)
def test_what_is_felt_shortly_excuses_what_comes_as_soon_as_it_ends(kind: str, target: str, excuses: bool) -> None:
    """Who publishes a record may be held up behind the instant that the record carries."""
    story = a_small_story()
    a_first_attempt_that_waited(story)
    story.run.faults.append(Fault(kind, target, story.run.now, story.run.now + LATE))
    assert bool(first_attempts_are_prompt(story.evidence()).breaches) is not excuses


@pytest.mark.parametrize(
    ("kind", "target", "excuses"),
    [
        ("kill", "webhook_dispatcher-0", True),
        ("pause", "postgres", True),
        ("cut", "webhook_dispatcher-1>postgres", True),
        ("cut", "webhook_dispatcher-1>kafka", False),
        ("pause", "kafka", False),
        ("rebalance", "webhook-dispatcher", False),
        ("pause", "booking-0", False),
    ],
)
def test_what_is_kept_waits_for_the_dispatcher_and_its_database_alone(kind: str, target: str, excuses: bool) -> None:
    story = a_small_story()
    other(story.run.arrivals, _is_of(HEALTHY), at=story.run.now + FELT_BY_WORKERS)
    story.run.faults.append(Fault(kind, target, story.run.now, story.run.now))
    found = {breach.what for breach in first_attempts_are_prompt(story.evidence()).breaches}
    assert (KEPT in found) is not excuses


def test_of_what_came_late_and_is_excused_nothing_is_said() -> None:
    """It is no sign that the promise was kept."""
    story = a_small_story()
    prompt = first_attempts_are_prompt(story.evidence()).looked_at
    other(story.run.arrivals, _is_of(HEALTHY), at=story.run.now + LATE)
    story.run.faults.append(Fault("busy", "machine", story.run.now, story.run.now + LATE))
    found = first_attempts_are_prompt(story.evidence())
    assert (found.looked_at, found.breaches) == (prompt - 2, ())


@pytest.mark.parametrize("ended", [-FELT - timedelta(seconds=5), LATE - FELT - timedelta(seconds=5)])
def test_a_fault_excuses_nothing_for_ever(ended: timedelta) -> None:
    """Neither what was published long after it nor what came long after it."""
    story = a_small_story()
    other(story.run.arrivals, _is_of(HEALTHY), at=story.run.now + LATE)
    at = story.run.now + ended
    story.run.faults.append(Fault("kill", "webhook_dispatcher-0", at, at))
    assert first_attempts_are_prompt(story.evidence()).breaches


@pytest.mark.parametrize(("backlog", "is_late"), [(100, True), (1500, False)])
def test_a_backlog_is_sent_one_by_one(backlog: int, is_late: bool) -> None:
    story = a_small_story()
    last = other(story.run.arrivals, _is_of(HEALTHY), at=story.run.now + LATE)
    kept = row(story, "webhook_dispatcher.deliveries", id=last.webhook_id)
    kept["created_at"] = story.run.now
    others = [{**kept, "id": f"dlv_{number}"} for number in range(backlog)]
    story.run.tables["webhook_dispatcher.deliveries"] += others
    found = {breach.what for breach in first_attempts_are_prompt(story.evidence()).breaches}
    assert (KEPT in found) is is_late


@pytest.mark.parametrize("waits", [False, True])
def test_what_was_before_a_subscription_comes_soon_after_it_is_replayed(waits: bool) -> None:
    story = a_small_story()
    subscriber, status = story.run.subscribers[HEALTHY]
    story.run.subscribers[HEALTHY] = replace(subscriber, created_at=story.run.now), status
    last = other(story.run.arrivals, _is_of(HEALTHY), at=story.run.now + LATE)
    asked_at = story.run.now if waits else story.run.now + LATE
    row(story, "webhook_dispatcher.deliveries", id=last.webhook_id)["created_at"] = asked_at
    assert bool(first_attempts_are_prompt(story.evidence()).breaches) is waits


@pytest.mark.parametrize(
    ("target", "excuses"),
    [
        ("webhook_dispatcher>failing-1", True),
        ("webhook_dispatcher-0>postgres", True),
        ("webhook_dispatcher-0>kafka", False),
        ("kafka", False),
        ("booking-1", False),
    ],
)
def test_an_answer_that_was_lost_on_its_way_excuses_that_a_delivery_was_given_up(target: str, excuses: bool) -> None:
    story = a_small_story()
    a_delivery_given_up_that_was_taken(story)
    story.run.faults.append(Fault("cut", target, story.run.now, story.run.now))
    found = every_delivery_is_accounted_for(story.evidence())
    assert bool(found.breaches) is not excuses


def test_what_was_taken_before_it_was_asked_for_again_may_end_otherwise() -> None:
    story = a_small_story()
    taken = row(story, "webhook_dispatcher.deliveries", subscription_id=HEALTHY)
    taken.update(round=1, earlier_attempts=1, attempts=3, state="exhausted")
    again = [{"delivery_id": taken["id"], "number": number, "status": None} for number in (2, 3)]
    story.run.tables["webhook_dispatcher.attempts"] += again
    assert {breach.what for breach in every_delivery_is_accounted_for(story.evidence()).breaches} == set()


def test_what_comes_after_a_subscription_was_deleted_needs_no_delivery() -> None:
    story = a_small_story()
    row(story, "webhook_dispatcher.subscriptions", id=HEALTHY)["state"] = "deleted"
    story.run.answers.insert(0, replace(story.run.answers[0], method="DELETE", path=f"{SUBSCRIPTIONS}/{HEALTHY}"))
    a_delivery_that_was_never_made(story)
    assert not every_delivery_is_accounted_for(story.evidence()).breaches
