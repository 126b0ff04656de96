"""What a fault excuses: which parts it touches, and for how long it is felt.

Invariant: a fault of one part excuses nothing of another that does not stand on it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from chaos.evidence import Fault
from webhook_dispatcher.consumer import GROUP

_DISPATCHER = "webhook_dispatcher"
"""What the names of the dispatcher's processes begin with, and of the ways from there."""

_SERVERS = ("kafka", "postgres")
_MACHINE = "machine"

FELT = timedelta(seconds=20)
"""For how long a fault is felt after it has ended: a group's rebalance, and a lease that nobody keeps any more."""

FELT_BY_WORKERS = timedelta(seconds=12)
"""For how long one is that no group has to do with: a lease runs out after 4 seconds in a run, somebody looks for it
each second, and the longest pause behind an error is 6."""

_FELT_SHORTLY = timedelta(seconds=5)
"""For how long it is where nothing has to be handed over: what waited is done at once."""

_HOLDING = frozenset({"pause", "slow", "cut"})
"""The faults after which a record is published that was stamped before."""


def holds_up_attempts(fault: Fault) -> bool:
    """Tell whether a fault touches the way from the topic to an attempt: the dispatcher and what it stands on.

    A way to a subscriber's endpoint is that subscriber's alone; a machine that is too busy holds up everybody.
    """
    source, _, end = fault.target.partition(">")
    if fault.kind == "rebalance":
        return fault.target == GROUP
    return source in {*_SERVERS, _MACHINE} or (source.startswith(_DISPATCHER) and end in {"", *_SERVERS})


def holds_up_events(fault: Fault) -> bool:
    """Tell whether a fault touches the way from the instant that a record carries to an attempt.

    Who publishes it may have been held up between the two.
    """
    is_of_publisher = fault.kind in _HOLDING and fault.target.partition(">")[2] in {"", "kafka"}
    return is_of_publisher or holds_up_attempts(fault)


def holds_up_workers(fault: Fault) -> bool:
    """Tell whether a fault touches the way from a delivery that is kept to an attempt, on which no topic is read."""
    source, _, end = fault.target.partition(">")
    return holds_up_attempts(fault) and fault.kind != "rebalance" and "kafka" not in {source, end}


def loses_answers(fault: Fault) -> bool:
    """Tell whether a fault may have kept what an endpoint answered from being known: on its way, or when kept."""
    return holds_up_workers(fault) or fault.target.startswith(f"{_DISPATCHER}>")


def fault_between(faults: Iterable[Fault], since: datetime, until: datetime, felt: timedelta) -> Fault | None:
    """Find a fault that may have been felt at some time between two instants.

    Args:
        faults: those that matter.
        since: the earlier instant.
        until: the later one.
        felt: for how long a fault is felt after it has ended.
    """
    return next((one for one in faults if one.at <= until and one.ended_at + felt >= since), None)


def excused_until(faults: Iterable[Fault], since: datetime, due: datetime, felt: timedelta) -> datetime:
    """Tell by when something must have happened, although faults may have held it up one after the other.

    Args:
        faults: those that matter.
        since: from when on it was to be done.
        due: when it must have happened if none was felt.
        felt: for how long a fault of the dispatcher, or of what it stands on, is felt after it has ended.
    """
    for one in sorted(faults, key=lambda fault: fault.at):
        is_handed_over = holds_up_attempts(one) and one.target != _MACHINE
        over = one.ended_at + (felt if is_handed_over else _FELT_SHORTLY)
        if one.at <= due and over >= since:
            due = max(due, over)
    return due
