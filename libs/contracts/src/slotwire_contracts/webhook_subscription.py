"""A webhook subscription, as its own events tell of it.

Invariant: nothing secret is in a snapshot: neither the signing secret nor the subscription's own headers, which often
carry tokens. So an event may go to any other subscription of the organization.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from slotwire_contracts.data import ResourceData
from slotwire_contracts.envelope import KnownEvent
from slotwire_contracts.model import ContractModel
from slotwire_contracts.times import PreciseInstant

__all__ = [
    "DisabledChange",
    "DisablingReason",
    "WebhookSubscription",
    "WebhookSubscriptionDisabled",
    "WebhookSubscriptionStatus",
]


class WebhookSubscriptionStatus(StrEnum):
    """Whether events are sent to it."""

    ACTIVE = "active"
    DISABLED = "disabled"
    DELETED = "deleted"


class DisablingReason(StrEnum):
    """Why nothing is sent any more: somebody asked so, the endpoint answered 410, or it has failed for days."""

    REQUESTED = "requested"
    GONE = "gone"
    FAILING = "failing"


class WebhookSubscription(ContractModel):
    """A subscription at one moment; a field without a value is null, never absent."""

    id: str
    """Never changes, and is the key of its records."""
    url: str
    """Where deliveries go."""
    events: Annotated[tuple[str, ...], Field(min_length=1)]
    """Which types it wants: exact ones, families such as `reservation.*`, or `*`."""
    description: str | None
    status: WebhookSubscriptionStatus
    disabled_reason: DisablingReason | None
    """Why it is disabled; null if it is not."""
    created_at: PreciseInstant
    updated_at: PreciseInstant


class DisabledChange(ContractModel):
    """Why, and how long it had failed; `failing_since` is null for other reasons than `failing`."""

    reason: DisablingReason
    failing_since: PreciseInstant | None


class WebhookSubscriptionDisabled(KnownEvent[ResourceData[WebhookSubscription, DisabledChange]]):
    """Nothing is sent to it any more until somebody enables it."""

    type: Literal["webhook_subscription.disabled"]
