"""The settings of Cal.com sync.

Invariant: settings that were read are within bounds under which the service works, and never change.
"""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import Field

from chassis.settings import ServiceSettings

DATABASE = "calcom_sync"
"""The name of the service's database on the server."""


class Settings(ServiceSettings):
    """What the service needs to know beside what every service does."""

    calcom_allow_networks: Annotated[
        tuple[IPv4Network | IPv6Network, ...],
        Field(
            title="Networks in which Cal.com may be although they are not public",
            description='A JSON list such as ["10.1.0.0/16"]; for one that you host yourself.',
        ),
    ] = ()
    calcom_timeout: Annotated[
        float, Field(title="Seconds for one question to Cal.com, the whole exchange", gt=0, le=300)
    ] = 30.0
    calcom_pace: Annotated[
        float,
        Field(
            title="Seconds between two questions with one API key",
            description="Cal.com locks out for a minute who asks more than 120 times in one.",
            ge=0,
            le=60,
        ),
    ] = 0.5
    calcom_syncs: Annotated[int, Field(title="Syncs that are carried out at the same time", ge=0, le=1000)] = 8
    calcom_lease: Annotated[
        float, Field(title="Seconds after which others go on with a sync whose process is gone", gt=0)
    ] = 15.0
    calcom_patience: Annotated[
        float,
        Field(title="Seconds for which a request waits for its sync", description="Less than gateways wait.", gt=0),
    ] = 50.0
    calcom_run_requests: Annotated[
        int,
        Field(
            title="Questions that one sync may ask Cal.com at most",
            description="So that one whose answers have no end stands in nobody's way.",
            ge=10,
        ),
    ] = 20_000
    calcom_run_hours: Annotated[float, Field(title="Hours that one sync may take at most", gt=0)] = 6.0
    calcom_webhooks_per_minute: Annotated[
        int,
        Field(
            title="Webhooks of Cal.com's that an organization may be sent a minute",
            description="Each process counts by itself; those that nobody has signed are counted together.",
            ge=1,
        ),
    ] = 1200
    calcom_allow_http: Annotated[bool, Field(title="Whether Cal.com may be asked without TLS")] = False
    calcom_look: Annotated[
        float, Field(title="Seconds between two looks for organizations whose bookings are due to be read", gt=0)
    ] = 5.0
    calcom_answers_within: Annotated[
        float, Field(title="Seconds after a sync's end for which booking's answers are waited for", gt=0)
    ] = 900.0
    calcom_runs_kept_days: Annotated[
        int,
        Field(
            title="Days for which syncs that are over are kept",
            description="Those of webhooks that found nothing new are kept for one.",
            ge=1,
            le=3650,
        ),
    ] = 30
