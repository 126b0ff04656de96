"""How much is measured: one plan is the benchmark, a smaller one tries whether it still runs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """The sizes of one run.

    Attributes:
        rounds: how often a service and its reference take turns.
        api_seconds: seconds of one round of POSTs.
        warm_up_seconds: seconds of load before the first round, not counted.
        connections: connections of the generator of POSTs.
        relay_events: outbox rows of one round of the relay.
        relay_bytes: bytes of each row's value.
        deliveries: deliveries of one round.
        fan_out: subscriptions that want the same event, in the rounds with fan-out.
        endpoints: how many endpoints a street has, good or bad.
        neighbours_rounds: how often both streets are measured at saturation.
        neighbours_seconds: seconds of the fixed rate on each street.
        neighbours_events: events on the topic at saturation.
        backlog_sizes: deliveries that wait when the dispatcher starts.
        backlog_seconds: seconds of draining each of them.
        rate: bookings, or events, a second while latency is measured.
        latency_seconds: seconds of it that count.
        journey_seconds: seconds of the saturated journey from POST to settled delivery.
        availability_reads: how often the month of each schedule is read.
        list_sizes: how many bookings an organization has whose lists are read.
        list_reads: how often a list is read that finds few of them.
        wide_list_reads: how often one is read that finds many.
        waitlist_waiting: how many wait where places fall free at once.
        waitlist_places: how many fall free.
        waitlist_sizes: how many wait in the queues that are matched.
        waitlist_others: how many wait for other dates, beside the smallest of these.
        waitlist_matches: how often each of them is matched.
        load_seconds: seconds of each load at a fixed rate that count; of what else has its own seconds, see there.
        load_skipped_seconds: seconds of it, before these, that do not.
        api_rates: bookings a second that are posted.
        relay_rates: outbox rows a second that are committed.
        relay_commits: commits a second that these rows come in, at most.
        dispatch_rates: deliveries a second that fall due.
        dispatch_endpoints: how many endpoints they are for, good and bad; a multiple of 100.
        dispatch_deliveries: deliveries that are due when the dispatcher is let go, at saturation.
        journey_rates: bookings a second, beside `rate`, that make the whole journey.
        waitlist_rates: places a second that fall free.
        waitlist_dates: how many queues they are for, in turns.
        waitlist_burst: places that fall free at once for all these queues.
        processes_rounds: how often one process, and then two, are measured.
        other_probing_seconds: how long another system may take until its first webhook comes.
        other_patience_seconds: how long we wait for its next webhook before what has not come is missing.
        calcom_bookings: how many bookings an organization has at Cal.com.
        calcom_pace: seconds between two requests to it; the limit that it tells is 120 a minute.
    """

    rounds: int = 5
    api_seconds: float = 6.0
    warm_up_seconds: float = 3.0
    connections: int = 32
    relay_events: int = 50_000
    relay_bytes: int = 900
    deliveries: int = 20_000
    fan_out: int = 10
    endpoints: int = 200
    neighbours_rounds: int = 3
    neighbours_seconds: float = 60.0
    neighbours_events: int = 20_000
    backlog_sizes: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    backlog_seconds: float = 20.0
    rate: float = 200.0
    latency_seconds: float = 20.0
    journey_seconds: float = 8.0
    availability_reads: int = 300
    list_sizes: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    list_reads: int = 100
    wide_list_reads: int = 30
    waitlist_waiting: int = 500
    waitlist_places: int = 50
    waitlist_sizes: tuple[int, ...] = (100, 1_000, 10_000)
    waitlist_others: int = 10_000
    waitlist_matches: int = 20
    load_seconds: float = 5.0
    load_skipped_seconds: float = 1.5
    api_rates: tuple[float, ...] = (100.0, 200.0, 400.0)
    relay_rates: tuple[float, ...] = (200.0, 2_000.0, 10_000.0)
    relay_commits: float = 200.0
    dispatch_rates: tuple[float, ...] = (200.0, 1_000.0)
    dispatch_endpoints: int = 100
    dispatch_deliveries: int = 6_000
    journey_rates: tuple[float, ...] = (50.0, 100.0, 400.0)
    waitlist_rates: tuple[float, ...] = (5.0, 10.0, 20.0)
    waitlist_dates: int = 20
    waitlist_burst: int = 160
    processes_rounds: int = 2
    other_probing_seconds: float = 60.0
    other_patience_seconds: float = 10.0
    calcom_bookings: int = 10_000
    calcom_pace: float = 0.5


WHOLE = Plan()
QUICK = Plan(
    rounds=1,
    api_seconds=2.0,
    warm_up_seconds=1.0,
    relay_events=5_000,
    deliveries=2_000,
    endpoints=20,
    neighbours_rounds=1,
    neighbours_seconds=3.0,
    neighbours_events=2_000,
    backlog_sizes=(2_000, 20_000),
    backlog_seconds=2.0,
    latency_seconds=3.0,
    journey_seconds=2.0,
    availability_reads=10,
    list_sizes=(10_000, 20_000),
    list_reads=5,
    wide_list_reads=5,
    waitlist_waiting=20,
    waitlist_places=5,
    waitlist_sizes=(20, 40),
    waitlist_others=100,
    waitlist_matches=3,
    load_seconds=1.5,
    load_skipped_seconds=0.5,
    api_rates=(20.0, 50.0),
    relay_rates=(50.0, 500.0),
    dispatch_rates=(50.0,),
    dispatch_deliveries=400,
    journey_rates=(20.0,),
    waitlist_rates=(5.0,),
    waitlist_dates=4,
    waitlist_burst=10,
    processes_rounds=1,
    other_probing_seconds=20.0,
    other_patience_seconds=2.0,
    calcom_bookings=600,
    calcom_pace=0.1,
)
