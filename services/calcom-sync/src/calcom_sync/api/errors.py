"""The status of each code that this service refuses with, beside those of every service.

Invariant: every code of the domain's errors is here or among chassis's.
"""

from collections.abc import Mapping

ERRORS: Mapping[str, int] = {}
