"""I5: the `webhook-id` of (event, subscription) never changes, over retries, crashes, rebalances and replays.

Invariant: the id is derived here anew from the pair, never taken from what is checked.
"""

from collections.abc import Mapping
from typing import Any

from chaos.checks.reading import by_id
from chaos.checks.scales import Scales
from chaos.evidence import Evidence, Finding
from webhook_dispatcher.domain.ids import delivery_id


def webhook_ids_never_change(evidence: Evidence) -> Finding:
    """Check that what came, and what is kept of it, has the one id of its pair, one body, and a right signature."""
    scales = Scales("I5")
    deliveries = by_id(evidence, "webhook_dispatcher.deliveries")
    for row in deliveries.values():
        scales.weigh(
            row["id"] == delivery_id(row["event_id"], row["subscription_id"]),
            "a delivery has another id than its event and subscription give it",
            delivery_id=row["id"],
            event_id=row["event_id"],
            subscription_id=row["subscription_id"],
        )
    _arrivals_have_their_ids(scales, evidence)
    _bodies_are_the_same(scales, evidence)
    _arrivals_have_deliveries(scales, evidence, deliveries)
    return scales.finding()


def _arrivals_have_their_ids(scales: Scales, evidence: Evidence) -> None:
    for one in evidence.told.arrivals:
        derived = delivery_id(str(one.event.get("eventId")), one.subscription_id)
        scales.weigh(
            one.webhook_id == derived == one.event.get("id"),
            "a webhook came under another id than its event and subscription give it",
            webhook_id=one.webhook_id,
            derived=derived,
            body_id=one.event.get("id"),
            subscription_id=one.subscription_id,
            at=one.at,
        )
        scales.weigh(one.verified, "a webhook's signature is wrong", webhook_id=one.webhook_id, at=one.at)


def _bodies_are_the_same(scales: Scales, evidence: Evidence) -> None:
    first: dict[str, Mapping[str, Any]] = {}
    for one in evidence.told.arrivals:
        if one.webhook_id in first:
            scales.weigh(
                one.event == first[one.webhook_id],
                "a webhook came again with another body",
                webhook_id=one.webhook_id,
                first=first[one.webhook_id],
                again=one.event,
            )
        first.setdefault(one.webhook_id, one.event)


def _arrivals_have_deliveries(scales: Scales, evidence: Evidence, deliveries: Mapping[str, Any]) -> None:
    known = {one.id for one in evidence.told.subscribers}
    for one in evidence.told.arrivals:
        row = deliveries.get(one.webhook_id)
        if one.subscription_id in known:
            scales.weigh(
                row is not None and row["subscription_id"] == one.subscription_id,
                "a webhook came of which there is no delivery",
                webhook_id=one.webhook_id,
                subscription_id=one.subscription_id,
            )
