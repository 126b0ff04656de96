"""I9: history is append-only; feed, topic and webhook agree with it by event id.

Invariant: of each event all four faces are compared, as far as it has them.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from chaos.checks.reading import Happening, grouped, instant, once, published, rows
from chaos.checks.scales import Scales
from chaos.evidence import Evidence, Finding, Row
from slotwire_contracts import CATALOG
from webhook_dispatcher.domain.envelope import envelope


def feed_topic_and_webhook_agree(evidence: Evidence) -> Finding:
    """Check that history has no gap, and that topic, feed and webhook tell the same of each event."""
    scales = Scales("I9")
    history, events = rows(evidence, "booking.history"), once(published(evidence))
    _history_has_no_gap(scales, history)
    _topic_is_history(scales, history, events)
    _feed_is_history(scales, evidence, history)
    _webhooks_are_events(scales, evidence, events)
    return scales.finding()


def _history_has_no_gap(scales: Scales, history: Sequence[Row]) -> None:
    for booking_id, some in grouped(history, "booking_id").items():
        in_order = sorted(some, key=lambda row: int(row["sequence"]))
        scales.weigh(
            [row["sequence"] for row in in_order] == list(range(1, len(in_order) + 1))
            and all(
                before["event_id"] < after["event_id"] and before["created_at"] <= after["created_at"]
                for before, after in pairwise(in_order)
            ),
            "a booking's history has gaps, or goes back in time",
            booking_id=booking_id,
            history=[(row["sequence"], row["event_id"], row["created_at"]) for row in in_order],
        )


def _topic_is_history(scales: Scales, history: Sequence[Row], events: Mapping[str, Happening]) -> None:
    kept = {row["event_id"]: row for row in history}
    told = {event_id: one for event_id, one in events.items() if one.type.startswith("reservation.")}
    for event_id in kept.keys() & told.keys():
        row, one = kept[event_id], told[event_id]
        of_history = (row["org_id"], row["booking_id"], row["sequence"], row["type"], row["created_at"], row["actor"])
        of_topic = (one.org_id, one.subject, one.sequence, one.type, one.time, one.event.get("actor"))
        scales.weigh(
            of_history == of_topic and row["data"] == one.change,
            "history and topic do not tell the same of an event",
            event_id=event_id,
            history=dict(row),
            topic=dict(one.event),
        )
    for event_id in told.keys() - kept.keys():
        scales.weigh(False, "a topic has an event that history has not", event_id=event_id)  # noqa: FBT003


def _feed_is_history(scales: Scales, evidence: Evidence, history: Sequence[Row]) -> None:
    for org_id, feed in evidence.stored.feeds.items():
        own = sorted((row for row in history if row["org_id"] == org_id), key=lambda row: int(row["sequence"]))
        shown = {row["id"]: row for row in feed}
        turn = {row["id"]: place for place, row in enumerate(feed)}
        for booking_id, some in grouped(own, "booking_id").items():
            public = [row for row in some if CATALOG[row["type"]].public]
            places = [turn.get(row["event_id"], -1) for row in public]
            scales.weigh(
                -1 not in places
                and places == sorted(places)
                and all(_is_shown(row, shown[row["event_id"]]) for row in public),
                "the feed does not tell what history has, in its order",
                booking_id=booking_id,
                history=[(row["event_id"], row["type"]) for row in public],
                feed=[shown.get(row["event_id"]) for row in public],
            )
        unknown = shown.keys() - {row["event_id"] for row in own if CATALOG[row["type"]].public}
        scales.weigh(
            not unknown and len(shown) == len(feed),
            "a feed tells of what history has not, or tells it twice",
            org_id=org_id,
            events=sorted(unknown),
        )


def _is_shown(row: Row, shown: Row) -> bool:
    at = row["created_at"].replace(microsecond=0)
    return bool(shown["type"] == row["type"] and shown["data"] == row["data"] and instant(shown["created_at"]) == at)


def _webhooks_are_events(scales: Scales, evidence: Evidence, events: Mapping[str, Happening]) -> None:
    bodies: dict[str, Mapping[str, Any]] = {}
    for arrival in evidence.told.arrivals:
        body = {name: value for name, value in arrival.event.items() if name != "id"}
        event_id = str(body.get("eventId"))
        if event_id not in bodies and event_id in events:
            bodies[event_id] = envelope(events[event_id].event)
        scales.weigh(
            body == bodies.get(event_id),
            "a webhook does not tell what its event does",
            webhook_id=arrival.webhook_id,
            event_id=event_id,
            webhook=arrival.event,
            event=bodies.get(event_id),
        )
