"""The report's section on Cal.com sync."""

from collections.abc import Iterator

from bench.measures import calcom
from bench.plan import Plan
from bench.tables import table

_WHAT = {
    "first": "first, of everything",
    "second": "asked for again, when nothing had changed",
    "reconcile": "what is near, once a day",
    "incremental": "what changed, every few minutes",
}


def write_calcom(measured: calcom.Measured, plan: Plan) -> Iterator[str]:
    """Write the section of Cal.com sync."""
    yield "\n## Cal.com sync\n"
    yield f"{plan.calcom_bookings:,} bookings at a stand-in of Cal.com, a process of its own, which answers at most 120"
    yield "requests in a minute and locks out who asks for more, as Cal.com does. Between two requests lay"
    yield f"{plan.calcom_pace:g} s at least. Nothing changed there meanwhile. Before the first sync the service took"
    yield f"{measured.idle_mib:.0f} MiB.\n"
    rows = [
        (
            _WHAT[name],
            f"{sync.seconds:.1f}",
            f"{(sync.requests - 1) * plan.calcom_pace:.1f}",
            f"{sync.requests:,}",
            *(f"{number:,}" for number in sync.counts.values()),
            f"{sync.peak_mib:.0f}",
        )
        for name, sync in measured.syncs.items()
    ]
    heads = ("sync", "s", "of these for pacing", "requests", *measured.syncs["first"].counts, "peak memory, MiB")
    yield from table(heads, rows)
