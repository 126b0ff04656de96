"""The status of each code that this service refuses with, beside those of every service.

Invariant: every code of the domain's errors is here or among chassis's.
"""

from collections.abc import Mapping

ERRORS: Mapping[str, int] = {
    "calcom_endless": 502,
    "calcom_malformed": 502,
    "calcom_not_configured": 409,
    "calcom_sync_running": 504,
    "calcom_throttled": 502,
    "calcom_unauthorized": 502,
    "calcom_unreachable": 502,
    "calcom_wrong_version": 502,
}
