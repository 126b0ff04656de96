"""What clients look like in requests and answers.

Invariant: as that of `booking.api.reference_models.fields`.
"""

from typing import Annotated

from pydantic import Field

from booking.api.booking_models import Phone
from booking.api.fields import UNSET, Body, Name, PageQuery
from booking.api.reference_models.fields import Stored
from chassis.web import Email, TimeZone


class NewClient(Body):
    """A client to make known."""

    name: Name
    email: Email
    phone: Phone | None = None
    timezone: TimeZone | None = None


class ChangedClient(Body):
    """What changes about a client."""

    name: Name = UNSET
    email: Email = UNSET
    phone: Phone | None = None
    timezone: TimeZone | None = None


class Client(Stored):
    """A client."""

    name: str
    email: str
    phone: str | None
    timezone: str | None


class ClientQuery(PageQuery):
    """Which part of a list is wanted, and of whose address."""

    email: Annotated[str | None, Field(min_length=1, max_length=254, description="In upper or lower case.")] = None
