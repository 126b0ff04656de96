"""The envelope: CloudEvents 1.0 attributes, with this project's extensions, around the data of every event.

Invariant: an attribute without a value is not written (CloudEvents JSON format 1.0, section 2.2 maps absence so).
"""

from enum import StrEnum
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field

from slotwire_contracts.model import ContractModel, omitted_when_none
from slotwire_contracts.times import PreciseInstant

__all__ = ["SCHEMA_BASE", "SCHEMA_VERSION", "Actor", "Event", "UnknownEvent", "schema_uri"]

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
    """An immutable fact with one id, the same in the history feed, on the topic and in every webhook.

    Attributes:
        id: `evt_` and a sortable id; of two events of a subject the later one's is greater.
        source: the service that tells it.
        type: its name in the catalog.
        subject: the id of the resource that it is about, and the record's key.
        time: when it happened.
        dataschema: names the schema of `data`, with its version.
        orgid: the organization that it belongs to.
        sequence: counts the subject's events 1, 2, 3 without a gap.
        correlationid: what several events of one request have in common.
        causationid: the event that this one answers.
        actor: who caused it.
        traceparent: W3C trace context of the request that caused it.
        data: what happened.
    """

    specversion: Literal["1.0"] = "1.0"
    id: Text
    source: Text
    type: Text
    subject: Text
    time: PreciseInstant
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: Text
    orgid: Text
    sequence: Annotated[int, Field(ge=1, le=_MAX_INTEGER)]
    correlationid: Text | None = omitted_when_none()
    causationid: Text | None = omitted_when_none()
    actor: Text | None = omitted_when_none()
    traceparent: Text | None = omitted_when_none()
    data: Data_co


class UnknownEvent(Event[Any]):
    """An event of a type, or in a version of its data, that this package does not know; `data` is plain JSON."""

    data: Any = None
