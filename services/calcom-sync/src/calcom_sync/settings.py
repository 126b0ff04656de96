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
    calcom_allow_http: Annotated[bool, Field(title="Whether Cal.com may be asked without TLS")] = False
