"""Lanes: fair turns, limits, and a slot that is always left for the next endpoint."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from webhook_dispatcher.domain.delivery import Job, Load
from webhook_dispatcher.domain.gate import Gate
from webhook_dispatcher.domain.rate_limit import RateLimit
from webhook_dispatcher.domain.signs import Manner, Sign
from webhook_dispatcher.worker.lanes import Lane, Start

TAKEN, FAILED = Sign(Manner.TAKEN), Sign(Manner.FAILED)


def job(endpoint: str, number: int = 0, tail: bytes = b"") -> Job:
    return Job(f"dlv_{endpoint}_{number}", endpoint, "wrk_1", 0, tail)


class Bench:
    """A lane with its gates, at a time that stands still unless it is moved."""

    def __init__(
        self,
        slots: int = 8,
        endpoint_slots: int = 4,
        endpoint_queue: int = 100,
        queue: int = 1_000,
        bodies: int = 1_000_000,
    ) -> None:
        self.now = 0.0
        self.gates: dict[str, Gate] = {}
        self.held: dict[str, float] = {}
        self.endpoint_slots = endpoint_slots
        self.lane = Lane(
            slots=slots,
            endpoint_slots=endpoint_slots,
            endpoint_queue=endpoint_queue,
            queue=queue,
            bodies=bodies,
            retrying=False,
            gate_of=self.gate,
            hold=self.held.__setitem__,
        )

    def gate(self, endpoint: str) -> Gate:
        return self.gates.setdefault(endpoint, Gate(self.endpoint_slots, None))

    def put(self, endpoint: str, count: int = 1) -> None:
        for number in range(count):
            self.lane.put(job(endpoint, number))

    def take_all(self) -> list[Start]:
        taken = []
        while (one := self.lane.take(self.now)) is not None:
            taken.append(one)
        return taken

    def move(self, seconds: float) -> None:
        """Let time pass; who waited for it goes on."""
        self.now += seconds
        for endpoint in [endpoint for endpoint, until in self.held.items() if until <= self.now]:
            del self.held[endpoint]
            self.lane.resume(endpoint)

    def end(self, start: Start, sign: Sign | None) -> None:
        start.gate.end(sign, began=start.began, now=self.now, noise=0.5, probe=start.probe)
        self.lane.done(start, self.now)

    def know_as(self, sign: Sign, *endpoints: str) -> None:
        """Have attempts to some endpoints, enough to know them, end so."""
        for endpoint in endpoints:
            for _ in range(self.endpoint_slots):
                probe = self.gate(endpoint).start(self.now, retrying=False)
                self.gate(endpoint).end(sign, began=self.now, now=self.now, noise=0.5, probe=probe)


def ids(starts: list[Start]) -> list[str]:
    return [one.job.id for one in starts]


def endpoints(starts: list[Start]) -> list[str]:
    return [one.job.subscription_id for one in starts]


def test_endpoints_are_served_in_turn_and_each_in_order() -> None:
    bench = Bench(slots=100)
    bench.know_as(TAKEN, *"abc")
    for number in range(3):
        for endpoint in "abc":
            bench.lane.put(job(endpoint, number))
    assert ids(bench.take_all()) == [f"dlv_{name}_{number}" for number in range(3) for name in "abc"]


def test_an_endpoint_begins_with_half_of_its_slots_and_gets_all_as_it_answers() -> None:
    bench = Bench(slots=100, endpoint_slots=4)
    bench.put("a", 20)
    first, second = bench.take_all()
    bench.end(first, TAKEN)
    assert len(bench.take_all()) == 2
    bench.end(second, TAKEN)
    assert len(bench.take_all()) == 2
    assert bench.lane.in_flight == 4


def test_an_endpoint_has_at_most_its_own_slots_and_goes_on_when_one_is_done() -> None:
    bench = Bench(slots=100)
    bench.know_as(TAKEN, "a")
    bench.put("a", 6)
    started = bench.take_all()
    assert len(started) == 4
    bench.end(started[0], TAKEN)
    assert ids(bench.take_all()) == ["dlv_a_4"]


def test_an_endpoint_that_fails_is_left_with_one_slot_and_keeps_that() -> None:
    bench = Bench(slots=100, endpoint_slots=16)
    bench.put("a", 100)
    for _ in range(6):
        started = bench.take_all()
        assert started
        bench.now += 0.1
        for one in started:
            bench.end(one, FAILED)
    assert len(bench.take_all()) == 1


def test_an_endpoint_that_hangs_gets_ever_fewer_slots_before_anything_timed_out() -> None:
    bench = Bench(slots=1_000, endpoint_slots=32)
    under_way = 0
    for second in range(30):
        bench.now = float(second)
        bench.put("a")
        under_way += len(bench.take_all())
    assert under_way <= 5


def test_however_many_endpoints_hang_a_slot_is_left_for_the_next() -> None:
    bench = Bench(slots=8, endpoint_slots=8)
    bench.know_as(TAKEN, "hang1", "hang2", "hang3")
    for endpoint in ("hang1", "hang2", "hang3"):
        bench.put(endpoint, 50)
    assert len(bench.take_all()) < 8
    bench.put("next")
    assert endpoints(bench.take_all()) == ["next"]


def test_a_quarter_of_the_slots_is_for_those_that_answer() -> None:
    """More endpoints that never answered than there are slots: those that did go on, at any number."""
    bench = Bench(slots=16, endpoint_slots=4)
    bench.know_as(TAKEN, "well")
    for number in range(200):
        bench.put(f"hang{number}", 5)
    hanging = bench.take_all()
    assert len(hanging) == 12
    bench.put("well", 50)
    for _ in range(20):
        healthy = bench.take_all()
        assert len(healthy) >= 2
        assert set(endpoints(healthy)) == {"well"}
        for one in healthy:
            bench.end(one, TAKEN)
    for one in hanging[:3]:
        bench.end(one, FAILED)
    assert len(set(endpoints(bench.take_all())) - {"well", *endpoints(hanging)}) == 3


def test_all_that_crowd_for_a_slot_get_one_when_others_are_gone() -> None:
    bench = Bench(slots=4, endpoint_slots=4)
    for number in range(20):
        bench.put(f"e{number}")
    started = bench.take_all()
    assert len(started) == 3
    for number in range(3, 9):
        bench.lane.drop(f"e{number}")
    came = []
    while started:
        came += endpoints(started)
        for one in started:
            bench.end(one, FAILED)
        started = bench.take_all()
    assert len(came) == len(set(came)) == 14
    assert bench.lane.queued == 0


def test_behind_an_open_breaker_one_probe_goes_out_at_a_time() -> None:
    bench = Bench(slots=100)
    bench.put("a", 30)
    for _ in range(6):
        for one in bench.take_all():
            bench.now += 1
            bench.end(one, FAILED)
    assert bench.gate("a").is_open
    assert bench.lane.queued > 10
    assert bench.lane.room("a") == 0
    assert not bench.lane.is_low("a")
    assert bench.take_all() == []
    bench.now = bench.held["a"]
    bench.lane.resume("a")
    (probe,) = bench.take_all()
    bench.now += 100
    bench.put("a")
    assert bench.take_all() == []
    bench.end(probe, TAKEN)
    assert not bench.gate("a").is_open
    assert bench.take_all()


def test_behind_a_breaker_little_is_kept_in_memory() -> None:
    bench = Bench(slots=100)
    for _ in range(5):
        bench.know_as(FAILED, "a")
        bench.now += 1
    assert bench.gate("a").is_open
    assert (bench.lane.room("a"), bench.lane.room("b")) == (10, 100)
    bench.put("a", 30)
    assert [one.id for one in bench.lane.shed("a")] == [f"dlv_a_{number}" for number in range(29, 9, -1)]
    assert (bench.lane.shed("a"), bench.lane.shed("b"), bench.lane.queued) == ([], [], 10)


def test_a_rate_limit_lets_an_endpoint_wait_for_its_time() -> None:
    bench = Bench(slots=100)
    bench.gates["a"] = Gate(4, RateLimit(2.0))
    bench.put("a", 3)
    bench.put("b")
    assert sorted(endpoints(bench.take_all())) == ["a", "b"]
    assert bench.held == {"a": 0.5}
    bench.now = 0.5
    assert bench.take_all() == []
    bench.lane.resume("a")
    assert endpoints(bench.take_all()) == ["a"]


def test_room_is_bounded_for_each_and_for_all() -> None:
    bench = Bench(endpoint_queue=3, queue=4)
    assert (bench.lane.room("a"), bench.lane.room("b")) == (3, 3)
    assert (bench.lane.room("a", Load(2), Load(2)), bench.lane.room("b", taken=Load(9))) == (0, 0)
    assert (bench.lane.room("a", Load(1), Load(2)), bench.lane.room("b", taken=Load(2))) == (1, 2)
    bench.put("a", 3)
    assert (bench.lane.room("a"), bench.lane.room("b")) == (0, 1)
    assert not bench.lane.is_low("a")
    assert bench.lane.is_low("b")


def test_those_that_wait_leave_room_for_others() -> None:
    """However many endpoints fill what they get, the next one's room is like theirs."""
    bench = Bench(endpoint_queue=500, queue=1_000)
    for number in range(9):
        while bench.lane.room(f"dead{number}"):
            bench.put(f"dead{number}")
    assert bench.lane.room("next") >= 1
    assert bench.lane.is_low("next")
    bench = Bench(endpoint_queue=500, queue=1_000)
    for _ in range(100):
        for number in range(9):
            bench.put(f"dead{number}", min(bench.lane.room(f"dead{number}"), 5))
    assert bench.lane.room("next") >= 90


def test_what_is_dropped_is_not_taken_and_makes_room() -> None:
    bench = Bench(endpoint_queue=3)
    bench.put("a", 3)
    assert [one.id for one in bench.lane.drop("a")] == ["dlv_a_0", "dlv_a_1", "dlv_a_2"]
    assert (bench.take_all(), bench.lane.queued, bench.lane.room("a")) == ([], 0, 3)
    bench.put("a")
    bench.put("b")
    bench.lane.clear()
    assert (bench.take_all(), bench.lane.queued) == ([], 0)


def test_bodies_are_bounded_for_all_and_leave_room_for_others() -> None:
    bench = Bench(slots=2, bodies=1_000)
    while bench.lane.room("dead"):
        bench.lane.put(job("dead", tail=bytes(100)))
    assert bench.lane.size == 500
    assert (bench.lane.is_low("dead"), bench.lane.is_low("next")) == (False, True)
    assert (
        bench.lane.room("next", Load(3, 249), Load(3, 249)),
        bench.lane.room("next", Load(3, 250), Load(3, 250)),
    ) == (97, 0)
    bench.lane.put(job("next", tail=bytes(500)))
    assert (bench.lane.is_full, bench.lane.room("third")) == (True, 0)


def test_bodies_count_until_their_attempts_have_ended() -> None:
    bench = Bench(bodies=1_000)
    for number in range(4):
        bench.lane.put(job("a", number, bytes(100)))
    started = bench.take_all()
    assert 0 < len(started) < 4
    assert bench.lane.size == 400
    for one in started:
        bench.end(one, TAKEN)
    assert bench.lane.size == 400 - 100 * len(started)
    bench.lane.drop("a")
    assert bench.lane.size == 0
    for _ in range(5):
        bench.know_as(FAILED, "b")
        bench.now += 1
    for number in range(12):
        bench.lane.put(job("b", number, bytes(50)))
    assert (len(bench.lane.shed("b")), bench.lane.size) == (2, 500)


SIGNS = {"taken": TAKEN, "failed": FAILED, "nothing": None}
STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "take", *SIGNS, "drop", "later"]), st.sampled_from("abcde")),
    min_size=1,
    max_size=200,
)


@given(STEPS, st.integers(1, 6), st.integers(1, 4))
def test_nothing_is_lost_or_started_twice_and_limits_hold(
    steps: list[tuple[str, str]], slots: int, endpoint_slots: int
) -> None:
    """Known faults: «A worker never has more attempts under way than its limit.»"""
    bench = Bench(slots=slots, endpoint_slots=endpoint_slots)
    under_way: dict[str, list[Start]] = {name: [] for name in "abcde"}
    waiting: Counter[str] = Counter()
    for number, (step, endpoint) in enumerate(steps):
        if step == "put":
            bench.lane.put(job(endpoint, number))
            waiting[endpoint] += 1
        elif step == "take" and (one := bench.lane.take(bench.now)) is not None:
            under_way[one.job.subscription_id].append(one)
            waiting[one.job.subscription_id] -= 1
        elif step in SIGNS and under_way[endpoint]:
            bench.end(under_way[endpoint].pop(0), SIGNS[step])
        elif step == "drop":
            assert len(bench.lane.drop(endpoint)) == waiting.pop(endpoint, 0)
        elif step == "later":
            bench.move(0.7)
        assert bench.lane.in_flight == sum(map(len, under_way.values())) <= slots
        assert max(map(len, under_way.values())) <= endpoint_slots
        assert bench.lane.queued == waiting.total()
    for one in [one for starts in under_way.values() for one in starts]:
        bench.end(one, TAKEN)
    bench.move(1_000)
    left = 0
    while (one := bench.lane.take(bench.now)) is not None:
        bench.end(one, TAKEN)
        left += 1
    assert (left, bench.lane.in_flight) == (waiting.total(), 0)
