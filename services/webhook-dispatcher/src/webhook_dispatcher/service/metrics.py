"""What operators see of events that are taken in.

Invariant: nothing here is labelled with a subscription or an organization.
"""

from prometheus_client import Counter

DELIVERIES = Counter("slotwire_webhook_deliveries_total", "Deliveries that came to be with their event.")
