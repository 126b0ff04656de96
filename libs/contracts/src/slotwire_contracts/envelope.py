"""The envelope: CloudEvents 1.0 attributes, with this project's extensions, around the data of every event.

Invariant: an attribute without a value is not written (CloudEvents JSON format 1.0, section 2.2 maps absence so).
"""

from enum import StrEnum
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field

from slotwire_contracts.model import ContractModel, omitted_when_none
from slotwire_contracts.times import PreciseInstant

__all__ = ["SCHEMA_BASE", "SCHEMA_VERSION", "Actor", "Event", "KnownEvent", "UnknownEvent", "schema_uri"]

SCHEMA_BASE = "https://slotwire.dev/schemas"
"""What every `dataschema` starts with: an identifier, not an address to fetch. The schemas lie beside this package."""

SCHEMA_VERSION = 1
"""The version of the data of every type; it rises only with a change that an older consumer could not read."""

_MAX_INTEGER = 2**31 - 1  # CloudEvents 1.0, section 3.2: an Integer is 32-bit signed

Text = Annotated[str, Field(min_length=1)]
Data_co = TypeVar("Data_co", covariant=True)


def schema_uri(event_type: str) -> str:
    """Name the schema of a type's data, as `dataschema` does."""
    return f"{SCHEMA_BASE}/{event_type}/{SCHEMA_VERSION}"


class Actor(StrEnum):
    """Who caused an event."""

    STAFF = "staff"
    CLIENT = "client"
    SYSTEM = "system"
    CALCOM = "calcom"


class Event(ContractModel, Generic[Data_co]):
    """An immutable fact with one id, the same in the history feed, on the topic and in every webhook."""

    specversion: Literal["1.0"] = "1.0"
    """The version of CloudEvents."""
    id: Text
    """`evt_` and a sortable id; of two events of a subject the later one's is greater."""
    source: Text
    """The service that tells it."""
    type: Text
    """Its name in the catalog."""
    subject: Text
    """The id of the resource that it is about, and the record's key."""
    time: PreciseInstant
    """When it happened."""
    datacontenttype: Literal["application/json"] = "application/json"
    """The media type of `data`."""
    dataschema: Text
    """Names the schema of `data`, with its version; an identifier, not an address to fetch."""
    orgid: Text
    """The organization that it belongs to."""
    sequence: Annotated[int, Field(ge=1, le=_MAX_INTEGER)]
    """Counts the subject's events 1, 2, 3 without a gap."""
    correlationid: Text | None = omitted_when_none()
    """What several events of one request have in common."""
    causationid: Text | None = omitted_when_none()
    """The id of the event that this one answers."""
    actor: Text | None = omitted_when_none()
    """Who caused it."""
    traceparent: Text | None = omitted_when_none()
    """The W3C trace context of the request that caused it."""
    data: Data_co
    """What happened."""


class KnownEvent(Event[Data_co], Generic[Data_co]):
    """An event of the catalog."""

    actor: Actor | None = omitted_when_none()
    """Who caused it."""


class UnknownEvent(Event[Any]):
    """An event of a type, or in a version of its data, that this package does not know; `data` is plain JSON."""

    data: Any = None
    """What happened, unread."""
