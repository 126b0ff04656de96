"""Lanes: fair turns, limits, and a slot that is always left for the next endpoint."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from webhook_dispatcher.domain.delivery import Job
from webhook_dispatcher.worker.lanes import Lane


def job(endpoint: str, number: int = 0) -> Job:
    return Job(f"dlv_{endpoint}_{number}", endpoint, "wrk_1", 0, b"")


def a_lane(slots: int = 8, endpoint_slots: int = 4, endpoint_queue: int = 100, queue: int = 1_000) -> Lane:
    return Lane(slots=slots, endpoint_slots=endpoint_slots, endpoint_queue=endpoint_queue, queue=queue)


def take_all(lane: Lane) -> list[Job]:
    taken = []
    while (one := lane.take()) is not None:
        taken.append(one)
    return taken


def test_endpoints_are_served_in_turn_and_each_in_order() -> None:
    lane = a_lane(slots=100)
    for number in range(3):
        for endpoint in "abc":
            lane.put(job(endpoint, number))
    assert [one.id for one in take_all(lane)] == [f"dlv_{name}_{number}" for number in range(3) for name in "abc"]


def test_an_endpoint_has_at_most_its_own_slots_and_goes_on_when_one_is_done() -> None:
    lane = a_lane(slots=100)
    for number in range(6):
        lane.put(job("a", number))
    assert len(take_all(lane)) == 4
    lane.done("a")
    assert [one.id for one in take_all(lane)] == ["dlv_a_4"]


def test_however_many_endpoints_hang_a_slot_is_left_for_the_next() -> None:
    lane = a_lane(slots=8, endpoint_slots=8)
    for endpoint in ("hang1", "hang2", "hang3"):
        for number in range(50):
            lane.put(job(endpoint, number))
    assert len(take_all(lane)) < 8
    lane.put(job("healthy"))
    assert [one.subscription_id for one in take_all(lane)] == ["healthy"]


def test_room_is_bounded_for_each_and_for_all() -> None:
    lane = a_lane(endpoint_queue=3, queue=4)
    assert (lane.room("a"), lane.room("b")) == (3, 3)
    for number in range(3):
        lane.put(job("a", number))
    assert (lane.room("a"), lane.room("b")) == (0, 1)
    assert not lane.is_low("a")
    assert lane.is_low("b")


def test_what_is_dropped_is_not_taken_and_makes_room() -> None:
    lane = a_lane(endpoint_queue=3)
    for number in range(3):
        lane.put(job("a", number))
    assert [one.id for one in lane.drop("a")] == ["dlv_a_0", "dlv_a_1", "dlv_a_2"]
    assert (take_all(lane), lane.queued, lane.room("a")) == ([], 0, 3)
    lane.put(job("a", 9))
    lane.put(job("b", 9))
    lane.clear()
    assert (take_all(lane), lane.queued) == ([], 0)


STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "take", "done", "drop"]), st.sampled_from("abcde")), min_size=1, max_size=200
)


@given(STEPS, st.integers(1, 6), st.integers(1, 4))
def test_nothing_is_lost_or_started_twice_and_limits_hold(
    steps: list[tuple[str, str]], slots: int, endpoint_slots: int
) -> None:
    lane = a_lane(slots=slots, endpoint_slots=endpoint_slots)
    under_way: Counter[str] = Counter()
    waiting: Counter[str] = Counter()
    for number, (step, endpoint) in enumerate(steps):
        if step == "put":
            lane.put(job(endpoint, number))
            waiting[endpoint] += 1
        elif step == "take" and (one := lane.take()) is not None:
            under_way[one.subscription_id] += 1
            waiting[one.subscription_id] -= 1
        elif step == "done" and under_way[endpoint]:
            lane.done(endpoint)
            under_way[endpoint] -= 1
        elif step == "drop":
            assert len(lane.drop(endpoint)) == waiting.pop(endpoint, 0)
        assert lane.in_flight == under_way.total() <= slots
        assert max(under_way.values(), default=0) <= endpoint_slots
        assert lane.queued == waiting.total()
    for endpoint, count in under_way.items():
        for _ in range(count):
            lane.done(endpoint)
    left = 0
    while (one := lane.take()) is not None:
        lane.done(one.subscription_id)
        left += 1
    assert left == waiting.total()
