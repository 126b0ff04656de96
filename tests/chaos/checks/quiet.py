"""What a fault excuses: which parts it touches, and for how long it is felt.

Invariant: a fault of one part excuses nothing of another that does not stand on it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from chaos.evidence import Fault

DISPATCHER = ("webhook_dispatcher", "webhook-dispatcher", "dispatcher")
"""What the names of the dispatcher's processes begin with."""

_SERVERS = ("kafka", "postgres")


def on_the_way(fault: Fault) -> bool:
    """Tell whether a fault touches the way from the topic to a subscriber: the dispatcher and what it stands on."""
    source, _, _ = fault.target.partition(">")
    return fault.kind == "rebalance" or source.startswith((*DISPATCHER, *_SERVERS))


def fault_between(faults: Iterable[Fault], since: datetime, until: datetime, felt: timedelta) -> Fault | None:
    """Find a fault that may have been felt at some time between two instants.

    Args:
        faults: those that matter.
        since: the earlier instant.
        until: the later one.
        felt: for how long a fault is felt after it has ended.
    """
    return next((one for one in faults if one.at <= until and one.ended_at + felt >= since), None)
