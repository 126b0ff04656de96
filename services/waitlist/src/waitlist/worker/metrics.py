"""What operators see of queues.

Invariant: nothing here is labelled with a queue or an organization, so that the number of series is bounded.
"""

from prometheus_client import Counter, Gauge, Histogram

_MATCHES = Counter("slotwire_waitlist_matches_total", "Matches by how they ended.", ["outcome"])
DONE, FAILED = _MATCHES.labels("done"), _MATCHES.labels("failed")
SECONDS = Histogram("slotwire_waitlist_match_seconds", "How long a match takes.")
IN_FLIGHT = Gauge("slotwire_waitlist_matches_in_flight", "Matches under way.")
DUE = Gauge("slotwire_waitlist_due_queues", "Queues that are due or being matched, at the last look.")
OLDEST = Gauge("slotwire_waitlist_oldest_mark_seconds", "How long the oldest of them has been due.")
