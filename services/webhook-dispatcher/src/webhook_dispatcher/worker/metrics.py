"""What operators see of deliveries, and of what runs beside them.

Invariant: nothing here is labelled with a subscription or an organization, so that the number of series is bounded.
"""

from prometheus_client import Counter, Gauge, Histogram

from webhook_dispatcher.domain.delivery import DeliveryState

_ATTEMPTS = Counter("slotwire_webhook_attempts_total", "Attempts by what followed from them.", ["outcome"])
ATTEMPTS = {state: _ATTEMPTS.labels(state.value) for state in DeliveryState}
FAILURES = Counter("slotwire_webhook_failures_total", "Attempts without an answer, by why.", ["kind"])
LATENCY = Histogram(
    "slotwire_webhook_delivery_seconds",
    "Time from an event to the end of its first attempt.",
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
CLAIM = Histogram(
    "slotwire_webhook_claim_seconds",
    "Time to look for deliveries that are due in the database and to claim a batch of them.",
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
IN_FLIGHT = Gauge("slotwire_webhook_in_flight", "Attempts under way.", ["lane"])
QUEUED = Gauge("slotwire_webhook_queued", "Deliveries that wait in memory.", ["lane"])
UNWRITTEN = Gauge("slotwire_webhook_outcomes_unwritten", "Outcomes that wait to be written.")
OVERDUE = Gauge("slotwire_webhook_oldest_due_seconds", "How long the oldest delivery in the database has been due.")
OPEN_BREAKERS = Gauge("slotwire_webhook_open_breakers", "Endpoints that are sent first attempts as probes only.")
THROTTLED = Gauge(
    "slotwire_webhook_throttled_endpoints", "Endpoints whose deliveries wait for a rate limit, or for an asked rest."
)
UNPUBLISHED = Counter(
    "slotwire_webhook_attempts_unpublished_total",
    "Attempts that their topic misses, mostly as the broker was away.",
)
UNACCOUNTED = Gauge(
    "slotwire_deliveries_unaccounted",
    "Deliveries, events and records that were taken in and are nowhere, as far as days were looked at.",
)
SEALED_WITH_OLD_KEYS = Gauge(
    "slotwire_webhook_sealed_with_old_keys", "Subscriptions that an old key for secrets at rest sealed."
)
UNREADABLE = Gauge("slotwire_webhook_unreadable", "Subscriptions that no key for secrets at rest opens.")
