"""The booking service's settings.

Invariant: they are read once, by the composition, and never change.
"""

from chassis.settings import ServiceSettings

DATABASE = "booking"
"""The name of the service's database on the server."""


class Settings(ServiceSettings):
    """What the booking service needs to know: what every service does."""
