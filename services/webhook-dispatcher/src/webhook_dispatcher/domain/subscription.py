"""A subscription: where events are sent, which, and how.

Invariant: a subscription that is not active is sent nothing; its deliveries are discarded with the reason.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

from webhook_dispatcher.domain.auth import Auth, UnreadableAuth
from webhook_dispatcher.domain.rate_limit import RateLimit
from webhook_dispatcher.domain.retry import DEFAULT, RetryPolicy
from webhook_dispatcher.domain.rotation import OldSecret


class State(StrEnum):
    """Whether a subscription is sent events."""

    ACTIVE = "active"
    DISABLED = "disabled"
    DELETED = "deleted"


class DisabledReason(StrEnum):
    """Why a subscription was disabled: somebody asked so, its endpoint answered 410, or it has failed for days."""

    REQUESTED = "requested"
    GONE = "gone"
    FAILING = "failing"


class Ordering(StrEnum):
    """Which order of events is kept: none, or that of each resource's events."""

    NONE = "none"
    RESOURCE = "resource"


@dataclass(frozen=True, slots=True)
class Subscription:
    """A webhook endpoint of an organization.

    Attributes:
        events: the patterns of wanted events.
        headers: what is sent beside the dispatcher's own headers; None if they were sealed with a key that is not at
            hand.
        secret: the bytes of the signing key; None if they were sealed so.
        retry: its own pauses, or None for the default.
        ordering: the order that is kept, of events that are taken in or sent again under it.
        rate_limit: how many attempts a second it is sent at most, or None for as many as it takes.
        active_since: since when it has been active and has led to its URL; what was before says nothing about its
            endpoint.
        version: the directory's version at its last change; of two copies the greater is the later.
        old_secrets: secrets that were rotated away, the newest first; some may sign no more.
        auth: what the endpoint asks for beyond signatures.
    """

    id: str
    org_id: str
    url: str
    events: tuple[str, ...]
    description: str | None
    headers: dict[str, str] | None
    secret: bytes | None
    retry: RetryPolicy | None
    state: State
    disabled_reason: DisabledReason | None
    created_at: datetime
    updated_at: datetime
    active_since: datetime
    ordering: Ordering = Ordering.NONE
    rate_limit: RateLimit | None = None
    version: int = 0
    old_secrets: tuple[OldSecret, ...] = ()
    auth: Auth | UnreadableAuth | None = None

    @property
    def policy(self) -> RetryPolicy:
        """The pauses that apply."""
        return DEFAULT if self.retry is None else self.retry

    @property
    def is_active(self) -> bool:
        """Whether it is sent events."""
        return self.state is State.ACTIVE

    @property
    def keeps_order(self) -> bool:
        """Whether the events of one resource are sent to it one at a time."""
        return self.is_active and self.ordering is Ordering.RESOURCE

    def starts_anew(self, before: Self) -> bool:
        """Tell whether a change makes it active again, or lets it lead to another URL."""
        return self.is_active and (not before.is_active or self.url != before.url)
