"""What operators see of webhooks.

Invariant: no series is labelled with an organization.
"""

from prometheus_client import Counter, Gauge

WEBHOOKS = Counter("slotwire_calcom_webhooks_total", "Webhooks of Cal.com's that came, by what became of them.", ["as"])
MARKS = Gauge("slotwire_calcom_marks", "Bookings that webhooks told of and that are still to be read again.")
READINGS = Counter(
    "slotwire_calcom_readings_total", "Readings of bookings that webhooks told of, by how they left it.", ["verdict"]
)
GIVEN_UP = Counter("slotwire_calcom_marks_given_up_total", "Bookings that could not be read in a day; syncs find them.")
