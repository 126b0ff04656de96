"""What operators see of the service.

Invariant: no series is labelled with an organization.
"""

from prometheus_client import Counter, Gauge

SEALED_WITH_OLD_KEYS = Gauge(
    "slotwire_calcom_sealed_with_old_keys", "Integrations that an old key for secrets at rest sealed."
)
UNREADABLE = Gauge("slotwire_calcom_unreadable", "Integrations that no key for secrets at rest opens.")
_RUNS = Counter("slotwire_calcom_runs_total", "Runs that have ended, by how.", ["state"])
COMPLETED, FAILED = _RUNS.labels("completed"), _RUNS.labels("failed")
RUNS_UNDER_WAY = Gauge("slotwire_calcom_runs_under_way", "Runs that this process carries out.")
NO_ANSWERS = Counter(
    "slotwire_calcom_no_answers_total", "Snapshots of which booking was told and did not answer in time."
)
