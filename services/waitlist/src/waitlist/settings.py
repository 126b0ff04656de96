"""The waitlist service's settings.

Invariant: they are read once, by the composition, and never change.
"""

from typing import Annotated, Self

from pydantic import Field, HttpUrl, model_validator

from chassis.settings import ServiceSettings

DATABASE = "waitlist"
"""The name of the service's database on the server."""


class Settings(ServiceSettings):
    """What the waitlist service needs to know beside what every service does; it cannot be without the service key."""

    booking_url: Annotated[
        HttpUrl, Field(title="Where the booking service answers", description="http://host:port, without a path.")
    ]
    public_url: Annotated[
        HttpUrl,
        Field(title="Where guests reach this service", description="For the links in offers; without a path."),
    ] = HttpUrl("http://127.0.0.1:8080")
    booking_timeout: Annotated[
        float, Field(title="Seconds for a question to the booking service, the whole exchange", gt=0, le=15)
    ] = 5.0
    waitlist_matches: Annotated[
        int, Field(title="Queues that are matched at the same time", description="0: others match.", ge=0)
    ] = 8
    waitlist_lease: Annotated[
        float, Field(title="Seconds after which others match a queue whose process is gone", gt=0)
    ] = 15.0
    waitlist_sweep: Annotated[
        float, Field(title="Seconds in which every queue is matched again, whatever was heard", gt=0)
    ] = 60.0

    @model_validator(mode="after")
    def _has_a_key(self) -> Self:
        if self.service_key is None:
            raise ValueError("service_key must be set: the booking service is asked with it")
        return self

    @property
    def booking_key(self) -> str:
        """What the booking service is asked with."""
        return "" if self.service_key is None else self.service_key.get_secret_value()
