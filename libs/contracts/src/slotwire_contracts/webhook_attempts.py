"""The records of `webhook.attempts`: what endpoints answered, for whoever watches over them.

They are no events of the catalog: many attempts stand in one record, and nothing of them is in the history.

Invariant: a record is one subscription's, under one URL and one stretch of activity; it holds nothing that was sent or
answered but the status.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, ValidationError

from slotwire_contracts.codec import DecodeError, reason_of
from slotwire_contracts.envelope import Text
from slotwire_contracts.model import ContractModel
from slotwire_contracts.times import PreciseInstant

__all__ = [
    "ATTEMPTS_CONTENT_TYPE",
    "ATTEMPTS_HEADERS",
    "AttemptOutcome",
    "DeliveryAttempt",
    "WebhookAttempts",
    "decode_attempts",
    "encode_attempts",
]

ATTEMPTS_CONTENT_TYPE = "application/json"
"""The media type of a record's value."""

ATTEMPTS_HEADERS: tuple[tuple[str, bytes], ...] = (("content-type", ATTEMPTS_CONTENT_TYPE.encode()),)
"""The headers of every record."""


class AttemptOutcome(StrEnum):
    """What became of the delivery: done, tried again, given up, or not wanted any more."""

    DELIVERED = "delivered"
    PENDING = "pending"
    EXHAUSTED = "exhausted"
    DISCARDED = "discarded"


class DeliveryAttempt(ContractModel):
    """One HTTP try."""

    delivery_id: Text
    """The delivery, which is the `webhook-id`."""
    event_type: Text
    """What it tells of."""
    number: Annotated[int, Field(ge=1)]
    """Counts the delivery's attempts."""
    started_at: PreciseInstant
    latency_ms: Annotated[int, Field(ge=0)]
    """How long the whole exchange took."""
    status: int | None
    """The answer's status; null where none came."""
    error: Text | None
    """Why no answer came, in a word; null where one came."""
    outcome: AttemptOutcome


class WebhookAttempts(ContractModel):
    """Some attempts to one endpoint, in the order in which they ended."""

    subscription_id: Text
    """The record's key."""
    org_id: Text
    """The organization that it belongs to."""
    active_since: PreciseInstant
    """Since when the subscription had been active and had led to this URL."""
    attempts: Annotated[tuple[DeliveryAttempt, ...], Field(min_length=1)]


def encode_attempts(record: WebhookAttempts) -> bytes:
    """Write a record's value."""
    return record.model_dump_json().encode()


def decode_attempts(value: bytes) -> WebhookAttempts:
    """Read a record's value.

    Raises:
        DecodeError: it is none.
    """
    try:
        return WebhookAttempts.model_validate_json(value, strict=True)
    except ValidationError as error:
        raise DecodeError(reason_of(error)) from error
