"""Breaches of I6 to I8, planted one at a time: each is found, by its own rule and by no other."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asyncpg import Range

from support.planting import Plant, found_with, other, row, without
from support.small_house import HOUR, OURS, TEN, THEIRS, WAITLIST, Story, text

MINUTES = timedelta(minutes=5)
AT_ONCE = "more had one place at one time than it has room for"
TOO_MANY = "an event instance held more people than it may at any time of the run"
UNDER_WAY = "an entry has more than one offer under way, or one that was never finished"
NO_HOLD = "a live offer has no live hold"
NOBODY = "an offer was accepted by nobody who asked while it was live"
NOT_ONE = "an entry did not become one booking, or became one that it does not know of"
CONVERT = f"{WAITLIST}/wle_ida/convert"


def two_at_one_time(story: Story) -> None:
    closed = {"booking_id": None, "hold_id": "sch_desk", "expires_at": None}
    taken = row(story, "booking.occupancy", booking_id="bk_ada")
    story.run.tables["booking.occupancy"].append(taken | closed)


def time_of_another_resource(story: Story) -> None:
    taken = row(story, "booking.occupancy", booking_id="bk_cleo")
    taken["during"] = _moved(taken, by=1)["during"]


def _moved(taken: dict[str, Any], *, by: int) -> dict[str, Any]:
    """Have it be the time of another resource."""
    during = Range(taken["during"].lower + (by << 34), taken["during"].upper + (by << 34))
    return {**taken, "resource_no": taken["resource_no"] + by, "during": during}


def a_booking_without_its_time(story: Story) -> None:
    without(story, "booking.occupancy", booking_id="bk_cleo")


def a_booking_at_another_place(story: Story) -> None:
    taken = row(story, "booking.occupancy", booking_id="bk_ada")
    taken.update(_moved(taken, by=3))


def a_booking_for_longer_than_it_says(story: Story) -> None:
    row(story, "booking.bookings", id="bk_cleo")["buffer_after_minutes"] = 15


def time_that_nobody_has(story: Story) -> None:
    taken = without(story, "booking.occupancy", booking_id="bk_ada")
    story.run.tables["booking.occupancy"] += [taken, _moved(taken, by=3) | {"booking_id": "bk_ghost"}]


def one_too_many_for_a_while(story: Story) -> None:
    for name in ("yan", "zoe"):
        story.book(OURS, name, TEN + HOUR, at=1, schedule_id="sch_desk")
    _call_off(story, "yan", "zoe")


def a_table_that_was_held_for_another(story: Story) -> None:
    story.book(OURS, "kim", TEN + HOUR, at=3, location_id="loc_bistro", table_ids=["tbl_one"])
    _call_off(story, "kim")


def _call_off(story: Story, *names: str) -> None:
    change = {"from_status": "pending", "to_status": "cancelled"}
    for name in names:
        story.change(name, "cancelled", change, {"status": "CANCELLED"}, status="CANCELLED")
    story.keep()


def a_spot_that_is_not_counted(story: Story) -> None:
    row(story, "booking.event_instances")["attendance"] = 1


def a_class_that_is_overfull(story: Story) -> None:
    row(story, "booking.event_instances").update(attendance=3, max_attendance=2)
    hold = {"instance_id": "ins_class", "booking_id": None, "hold_id": "hld_1", "spots": 1}
    story.run.tables["booking.spots"].append(hold)


def a_guest_without_a_spot(story: Story) -> None:
    row(story, "booking.spots", booking_id="bk_gus")["booking_id"] = None


def one_guest_too_many_for_a_while(story: Story) -> None:
    story.book(OURS, "hal", TEN, at=None, event_instance_id="ins_class")
    _call_off(story, "hal")


def two_offers_under_way(story: Story) -> None:
    second = row(story, "waitlist.offers", entry_id="wle_jim") | {"id": "wlo_second", "state": "requested"}
    story.run.tables["waitlist.offers"].append(second)


def an_offer_that_was_never_finished(story: Story) -> None:
    row(story, "waitlist.offers", entry_id="wle_jim")["state"] = "requested"


def an_entry_that_takes_itself_for_notified(story: Story) -> None:
    row(story, "waitlist.offers", entry_id="wle_jim")["state"] = "expired"


def an_offer_without_a_hold(story: Story) -> None:
    without(story, "booking.holds")
    without(story, "booking.occupancy", hold_id="hld_wle_jim")


def a_hold_that_holds_nothing(story: Story) -> None:
    without(story, "booking.occupancy", hold_id="hld_wle_jim")


def an_offer_to_everybody(story: Story) -> None:
    row(story, "waitlist.offers", entry_id="wle_jim")["held"] = False


def a_hold_that_ends_before_its_offer(story: Story) -> None:
    row(story, "booking.holds")["expires_at"] -= MINUTES


def an_entry_told_of_two(story: Story) -> None:
    slot = {"startTime": text(TEN), "endTime": text(TEN + HOUR), "tableIds": ["tbl_one"]}
    change: dict[str, Any] = {"offerId": "wlo_second", "expiresAt": text(TEN), "slot": slot, "attempt": 2}
    entry = {"id": "wle_jim", "status": "notified", "version": 3, "bookingId": None}
    change["claimUrl"] = "https://example.com/w/two"
    story.run.happens(OURS, "waitlist_entry.notified", entry, change, actor="system")
    story.keep()


def _asked(by: timedelta, **told: Any) -> Callable[[Story], None]:
    """Have the accept come at another time."""

    def plant(story: Story) -> None:
        accept = next(one for one in story.run.answers if one.path == CONVERT)
        moved = {"sent_at": accept.sent_at + by, "ended_at": accept.ended_at + by}
        other(story.run.answers, lambda one: one is accept, **moved, **told)
        _something_else_is_asked(story)

    return plant


def an_offer_that_nobody_accepted(story: Story) -> None:
    story.run.answers[:] = [one for one in story.run.answers if one.path != CONVERT]
    _something_else_is_asked(story)


def _something_else_is_asked(story: Story) -> None:
    """So that the entry may have changed."""
    story.run.told(OURS, "PATCH", f"{WAITLIST}/wle_ida", {}, None, status=None)


def an_accept_of_nothing(story: Story) -> None:
    row(story, "waitlist.offers", entry_id="wle_ida")["state"] = "expired"


def two_bookings_of_one_entry(story: Story) -> None:
    twin = story.bookings["bk_ida"] | {"id": "bk_twin", "start_time": text(TEN + 3 * HOUR)}
    story.owners["bk_twin"], story.where["bk_twin"] = OURS, 3
    context = {"source": "waitlist", "party_size": 1, "waitlist_entry_id": "wle_ida"}
    story.happens(twin | {"end_time": text(TEN + 4 * HOUR)}, "created", context, actor="system")
    story.keep()


def a_booking_that_its_entry_does_not_know(story: Story) -> None:
    row(story, "waitlist.entries", id="wle_ida")["booking_id"] = "bk_other"


def a_conversion_left_behind(story: Story) -> None:
    story.run.tables["waitlist.conversions"].append({"id": "wlc_1", "org_id": OURS, "entry_id": "wle_jim"})


@pytest.mark.parametrize(
    ("plant", "invariant", "what"),
    [
        (two_at_one_time, "I6", "two have one resource at one time"),
        (time_of_another_resource, "I6", "time is taken that is another resource's"),
        (a_booking_without_its_time, "I6", "a booking does not occupy what it says"),
        (a_booking_at_another_place, "I6", "a booking does not occupy what it says"),
        (a_booking_for_longer_than_it_says, "I6", "a booking does not occupy what it says"),
        (time_that_nobody_has, "I6", "time is taken by nobody"),
        (one_too_many_for_a_while, "I6", AT_ONCE),
        (a_table_that_was_held_for_another, "I6", AT_ONCE),
        (
            a_spot_that_is_not_counted,
            "I7",
            "an event instance does not hold as many as it counts, or more than it may",
        ),
        (a_class_that_is_overfull, "I7", "an event instance does not hold as many as it counts, or more than it may"),
        (a_guest_without_a_spot, "I7", "a booking has not the spots of its party"),
        (one_guest_too_many_for_a_while, "I7", TOO_MANY),
        (two_offers_under_way, "I8", UNDER_WAY),
        (an_offer_that_was_never_finished, "I8", UNDER_WAY),
        (an_entry_that_takes_itself_for_notified, "I8", "an entry's status is not that of its offers"),
        (an_offer_without_a_hold, "I8", NO_HOLD),
        (a_hold_that_holds_nothing, "I8", "what is held for a live offer takes no place"),
        (an_offer_to_everybody, "I8", "an offer is held for nobody, and is not one of many"),
        (a_hold_that_ends_before_its_offer, "I8", NO_HOLD),
        (
            an_entry_told_of_two,
            "I8",
            "an entry was told of an offer while it had another, or was off the waitlist",
        ),
        (_asked(timedelta(hours=1)), "I8", NOBODY),
        (_asked(-MINUTES, status=None, told=None), "I8", NOBODY),
        (_asked(timedelta(0), status=409, told={"error": {"code": "offer_gone"}}), "I8", NOBODY),
        (_asked(timedelta(0), status=None, told=None, org_id=THEIRS), "I8", NOBODY),
        (an_offer_that_nobody_accepted, "I8", NOBODY),
        (
            an_accept_of_nothing,
            "I8",
            "an entry was converted although nothing was offered to it and nobody named a time",
        ),
        (two_bookings_of_one_entry, "I8", NOT_ONE),
        (a_booking_that_its_entry_does_not_know, "I8", NOT_ONE),
        (a_conversion_left_behind, "I8", "a conversion was never finished"),
    ],
)
def test_a_planted_breach_is_found_by_its_own_rule_alone(plant: Plant, invariant: str, what: str) -> None:
    assert found_with(plant) == [(invariant, what)]


def test_who_takes_what_another_has_just_given_up_shares_nothing() -> None:
    """I6: «Two blocking bookings or holds never overlap»: one behind the other they may."""

    def one_by_one(story: Story) -> None:
        for name in ("yan", "zoe"):
            story.book(OURS, name, TEN + HOUR, at=2, schedule_id="sch_desk")
            _call_off(story, name)

    assert found_with(one_by_one) == []


def test_where_all_are_told_at_once_nothing_is_held() -> None:
    def told_at_once(story: Story) -> None:
        an_offer_to_everybody(story)
        policy = {"org_id": OURS, "place_id": "loc_bistro", "way": "notify_all"}
        story.run.tables["waitlist.policies"].append(policy)

    assert found_with(told_at_once) == []


def test_an_accept_that_was_not_answered_may_have_been_carried_out() -> None:
    assert found_with(_asked(timedelta(0), status=None, told=None)) == []
