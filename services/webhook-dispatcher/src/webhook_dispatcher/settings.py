"""The dispatcher's settings.

Invariant: settings that were read are within bounds under which the service works, and never change.
"""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import Field

from chassis.settings import ServiceSettings

DATABASE = "webhook_dispatcher"
"""The name of the service's database on the server."""


class Settings(ServiceSettings):
    """What the dispatcher needs to know beside what every service does."""

    webhook_allow_networks: Annotated[
        tuple[IPv4Network | IPv6Network, ...],
        Field(
            title="Networks that webhooks may be sent to although they are not public",
            description='A JSON list such as ["127.0.0.0/8", "::1/128"]; for development.',
        ),
    ] = ()
    webhook_allow_http: Annotated[bool, Field(title="Whether webhooks may be sent without TLS")] = False
    webhook_subscriptions_per_organization: Annotated[
        int, Field(title="Subscriptions that an organization may have", ge=1, le=100_000)
    ] = 200
    webhook_timeout: Annotated[float, Field(title="Seconds for one attempt, the whole exchange", gt=0, le=300)] = 30.0
    webhook_lease_margin: Annotated[
        float,
        Field(
            title="Seconds for which a worker's heartbeat may fail",
            description="What a killed worker held is taken over after the timeout and this margin.",
            ge=0.5,
            le=600,
        ),
    ] = 10.0
    webhook_endpoint_slots: Annotated[
        int,
        Field(
            title="Attempts under way to one endpoint, at most",
            description="Half at first; more while it answers quickly, fewer while not. A quarter is for retries.",
            ge=1,
            le=1000,
        ),
    ] = 32
    webhook_slots: Annotated[int, Field(title="First attempts under way, over all endpoints", ge=1, le=10_000)] = 512
    webhook_retry_slots: Annotated[int, Field(title="Retries under way, over all endpoints", ge=1, le=10_000)] = 128
    webhook_endpoint_queue: Annotated[
        int, Field(title="First attempts of one endpoint held in memory", ge=1, le=100_000)
    ] = 5_000
    webhook_queue: Annotated[int, Field(title="First attempts held in memory", ge=1, le=1_000_000)] = 40_000
    webhook_retention_days: Annotated[
        int,
        Field(
            title="Days for which events, deliveries and attempts are kept",
            description="A day is dropped whole, and never while one of its deliveries is pending.",
            ge=7,
            le=3650,
        ),
    ] = 30
    webhook_disable_after: Annotated[
        float,
        Field(
            title="Seconds for which an endpoint has to fail before it is disabled",
            description="It counts from the first attempt that failed, with none that succeeded after it.",
            ge=60,
        ),
    ] = 5 * 86_400.0
