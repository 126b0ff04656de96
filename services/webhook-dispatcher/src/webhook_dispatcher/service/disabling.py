"""Ending what is sent to subscriptions, and telling of it.

Invariant: a subscription is disabled, and its event put into the outbox, in one transaction; one that is not active is
neither disabled nor told of, so whoever comes second, or a tenth 410, changes nothing.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from chassis import outbox
from chassis.ids import next_id
from chassis.outbox import OutboxMessage
from chassis.unit import Unit
from slotwire_contracts import (
    WEBHOOK_EVENTS,
    Actor,
    DisablingReason,
    WebhookSubscription,
    WebhookSubscriptionDisabled,
    WebhookSubscriptionStatus,
    encode,
    make_event,
    record_key,
)
from webhook_dispatcher.domain.subscription import DisabledReason
from webhook_dispatcher.store import subscriptions
from webhook_dispatcher.store.subscriptions import Active, Disabled


@dataclass(frozen=True, slots=True)
class Cause:
    """Why subscriptions are disabled, and who wants it.

    Attributes:
        reason: the reason that is kept and told.
        failing_since: of those that failed for long, since when.
        request_id: the request that asked for it, if one did.
        traceparent: the request's trace context.
    """

    reason: DisabledReason
    failing_since: Mapping[str, datetime] | None = None
    request_id: str | None = None
    traceparent: str | None = None

    @property
    def actor(self) -> Actor:
        """Who caused it."""
        return Actor.STAFF if self.reason is DisabledReason.REQUESTED else Actor.SYSTEM


async def disable(unit: Unit, active: Collection[Active], cause: Cause, at: datetime) -> None:
    """Disable subscriptions whose rows the unit has locked while they were active.

    What waits for them is discarded afterwards (`service.discarding`).
    """
    if not active:
        return
    # A subscription's events have times and ids in the order of their sequence, whatever the clocks of others said.
    at = max(at, *(one.updated_at for one in active))
    event_ids = {one.id: next_id("evt", one.last_event_id, at) for one in active}
    ended = await subscriptions.disable(unit.conn, event_ids, cause.reason, at)
    await outbox.append(unit.conn, [_message(_event(one, cause, event_ids[one.id])) for one in ended])
    unit.publishes()


def _event(one: Disabled, cause: Cause, event_id: str) -> WebhookSubscriptionDisabled:
    reason = DisablingReason(cause.reason)
    return make_event(
        "webhook_subscription.disabled",
        id=event_id,
        time=one.updated_at,
        resource=WebhookSubscription(
            id=one.id,
            url=one.url,
            events=tuple(one.events),
            description=one.description,
            status=WebhookSubscriptionStatus.DISABLED,
            disabled_reason=reason,
            created_at=one.created_at,
            updated_at=one.updated_at,
        ),
        change={"reason": reason, "failing_since": (cause.failing_since or {}).get(one.id)},
        orgid=one.org_id,
        sequence=one.sequence,
        actor=cause.actor,
        correlationid=cause.request_id,
        traceparent=cause.traceparent,
    )


def _message(event: WebhookSubscriptionDisabled) -> OutboxMessage:
    return OutboxMessage(event.id, WEBHOOK_EVENTS.name, record_key(event), encode(event))
