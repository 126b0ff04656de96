"""What syncs work with, and where they read.

Invariant: neither changes while a run is carried out.
"""

from dataclasses import dataclass

from calcom_sync.client import Calcom
from calcom_sync.domain.integration import Integration
from calcom_sync.domain.run import Bounds
from calcom_sync.service.telling import Telling
from chassis.clock import Clock
from chassis.ids import Ids
from chassis.postgres import Database
from chassis.unit import UnitOfWork


@dataclass(frozen=True, slots=True)
class Tools:
    """What syncs work with."""

    units: UnitOfWork
    database: Database
    telling: Telling
    clock: Clock
    ids: Ids
    bounds: Bounds


@dataclass(frozen=True, slots=True)
class Source:
    """Where an organization's bookings are read.

    Attributes:
        account: which of Cal.com's accounts that is.
        owner: the email of the API key's owner, lower case; None if it is not known.
    """

    calcom: Calcom
    integration: Integration
    account: str
    owner: str | None
