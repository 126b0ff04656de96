"""The settings of Cal.com sync.

Invariant: settings that were read are within bounds under which the service works, and never change.
"""

from chassis.settings import ServiceSettings

DATABASE = "calcom_sync"
"""The name of the service's database on the server."""


class Settings(ServiceSettings):
    """What the service needs to know: what every service does."""
