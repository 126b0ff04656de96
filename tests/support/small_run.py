"""A system made up by hand: what it writes and sends for each event, as a right one does, for the checks to look at.

Invariant: an event stands wherever it belongs, the same everywhere; whoever plants a breach changes what is noted.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

from chaos.evidence import Answer, Arrival, Evidence, Fault, Poison, Record, Row, Stored, Subscriber, Told
from chaos.groups import GROUPS
from chassis.ids import next_id
from slotwire_contracts import CATALOG, TOPICS, WEBHOOK_ATTEMPTS, dead_letter_topic, encode, make_event, public_topics
from support.catalog_events import MODELS, RESOURCES
from webhook_dispatcher.domain.envelope import envelope
from webhook_dispatcher.domain.events import expand
from webhook_dispatcher.domain.ids import delivery_id

BEGAN = datetime(2026, 11, 1, 12, tzinfo=UTC)
_PARTITIONS = {topic.name: topic.partitions for topic in TOPICS}
_PUBLIC = frozenset(topic.name for topic in public_topics())
_INBOXES = {"calcom.bookings": "booking.inbox", "calcom.results": "calcom_sync.inbox"}
_STEP = timedelta(milliseconds=50)


@dataclass
class SmallRun:
    """All that a run leaves behind, growing.

    Attributes:
        now: the instant; every happening takes a moment.
        subscribers: with what each one's endpoint answers; 0 for none that is asked.
    """

    org_ids: Sequence[str]
    now: datetime = BEGAN
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    records: list[Record] = field(default_factory=list)
    feeds: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    subscribers: dict[str, tuple[Subscriber, int]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    poison: list[Poison] = field(default_factory=list)
    calcom: dict[str, Row] = field(default_factory=dict)
    _ends: Counter[tuple[str, int]] = field(default_factory=Counter)
    _sequences: Counter[tuple[str, str]] = field(default_factory=Counter)
    _last: dict[tuple[str, str], str] = field(default_factory=dict)

    def tick(self, seconds: float = 0.0) -> datetime:
        """Let some time pass."""
        self.now += _STEP + timedelta(seconds=seconds)
        return self.now

    def subscribe(
        self,
        org_id: str,
        name: str,
        events: Sequence[str],
        status: int,
        *,
        healthy: bool = False,
        ordered: bool = False,
    ) -> str:
        """Have an endpoint get these events."""
        one = Subscriber(f"sub_{name}", org_id, events, self.tick(), healthy=healthy, ordered=ordered)
        self.subscribers[one.id] = one, status
        row: dict[str, Any] = {"id": one.id, "org_id": org_id, "state": "active", "retry": [1.0]}
        row |= {"sequence": 0, "last_event_id": None}
        self.tables["webhook_dispatcher.subscriptions"].append(row)
        return one.id

    def told(self, org_id: str, method: str, path: str, body: Any, data: Any, **more: Any) -> Answer:
        """Tell a client what was done, or nothing if `status` is None."""
        key, status = more.get("key"), more.get("status", 200)
        told = None if status is None else {"data": data} if status < 300 else {"error": data}
        answer = Answer(
            org_id, method, path, body, more.get("sent_at", self.now), self.tick(), status, json_of(told), key
        )
        self.answers.append(answer)
        return answer

    def happens(
        self, org_id: str, kind: str, resource: Mapping[str, Any], change: Mapping[str, Any], **more: Any
    ) -> dict[str, Any]:
        """Have something happen, and whatever follows from it; answers the event."""
        entry = CATALOG[kind]
        one = MODELS[entry.resource].model_validate({**RESOURCES[entry.resource], **resource})
        counter = entry.topic.name, f"{org_id} {one.id}"
        at = self.tick()
        self._sequences[counter] += 1
        self._last[counter] = next_id("evt", self._last.get(counter), at)
        event = make_event(
            kind,
            resource=one,
            change=change,
            id=self._last[counter],
            time=at,
            orgid=org_id,
            sequence=self._sequences[counter],
            **{"actor": "staff", **more},
        )
        told: dict[str, Any] = json.loads(value := encode(event))
        record = self.publish(entry.topic.name, str(one.id).encode(), value)
        if kind.startswith("reservation."):
            self._remember(told)
        self._consumed(told, record)
        return told

    def publish(
        self, topic: str, key: bytes | None, value: bytes, headers: Mapping[str, bytes] | None = None
    ) -> Record:
        """Put a record on a topic."""
        partition = crc32(key or b"") % _PARTITIONS.get(topic, 1)
        offset = self._ends[topic, partition]
        self._ends[topic, partition] += 1
        record = Record(topic, partition, offset, key, value, headers or {}, self.tick())
        self.records.append(record)
        return record

    def put_poison(self, topic: str, value: bytes) -> None:
        """Put a record on a topic that nobody can read, and have it set aside."""
        record = self.publish(topic, b"poison", value)
        self.poison.append(Poison(topic, record.partition, record.offset, value))
        for group in (group for group, topics in GROUPS.items() if topic in topics):
            origin = f"{topic}/{record.partition}/{record.offset}"
            headers = {
                "slotwire-dead-letter-reason": b"value: Invalid JSON",
                "slotwire-dead-letter-group": group.encode(),
                "slotwire-dead-letter-origin": origin.encode(),
            }
            self.publish(dead_letter_topic(topic), record.key, value, headers)

    def _remember(self, event: Mapping[str, Any]) -> None:
        at = datetime.fromisoformat(event["time"])
        self.tables["booking.history"].append(
            {
                "event_id": event["id"],
                "org_id": event["orgid"],
                "booking_id": event["subject"],
                "sequence": event["sequence"],
                "type": event["type"],
                "created_at": at,
                "data": event["data"]["change"],
                "actor": event["actor"],
            }
        )
        if CATALOG[event["type"]].public:
            shown = {"id": event["id"], "type": event["type"], "data": event["data"]["change"]}
            shown["created_at"] = at.isoformat(timespec="seconds")
            self.feeds.setdefault(event["orgid"], []).append(shown)

    def _consumed(self, event: Mapping[str, Any], record: Record) -> None:
        place = {"topic": record.topic, "partition": record.partition, "position": record.offset}
        claim = {"event_id": event["id"], **place, "record": record.value}
        if record.topic in _INBOXES:
            self.tables[_INBOXES[record.topic]].append(claim)
        if record.topic in _PUBLIC:
            wanting = [one for one in self.subscribers.values() if self._wants(one[0], event)]
            row = {**claim, "org_id": event["orgid"], "matched": len(wanting), "received_at": self.tick()}
            self.tables["webhook_dispatcher.events"].append(row)
            for subscriber, status in wanting:
                self._deliver(subscriber, status, event)

    def _wants(self, one: Subscriber, event: Mapping[str, Any]) -> bool:
        return one.org_id == event["orgid"] and event["type"] in expand(one.events)

    def _deliver(self, subscriber: Subscriber, status: int, event: Mapping[str, Any]) -> None:
        new_id, born_at = delivery_id(event["id"], subscriber.id), self.now
        attempts = {0: 0, 204: 1}.get(status, 2)
        state = {0: "discarded", 204: "delivered"}.get(status, "exhausted")
        for number in range(1, attempts + 1):
            body = json_of({"id": new_id, **envelope(event)})
            self.arrivals.append(Arrival(subscriber.id, new_id, self.tick(), verified=True, event=body, status=status))
            attempt = {"delivery_id": new_id, "number": number, "status": status}
            self.tables["webhook_dispatcher.attempts"].append(attempt)
        if attempts:
            record = self.publish(WEBHOOK_ATTEMPTS.name, subscriber.id.encode(), b"{}")
            health = {"subscription_id": subscriber.id, "position": record.offset}
            self.tables["webhook_dispatcher.endpoint_health"].append(health)
        row = {
            "id": new_id,
            "event_id": event["id"],
            "subscription_id": subscriber.id,
            "org_id": event["orgid"],
            "state": state,
            "reason": "disabled" if state == "discarded" else None,
            "attempts": attempts,
            "earlier_attempts": 0,
            "round": 0,
            "created_at": born_at,
            "settled_at": self.tick(),
        }
        self.tables["webhook_dispatcher.deliveries"].append(row)

    def evidence(self) -> Evidence:
        """Tell all of it, as it is when nothing happens any more."""
        told = Told(
            seed=1,
            org_ids=self.org_ids,
            began_at=BEGAN,
            ended_at=self.now,
            settled=True,
            answers=list(self.answers),
            arrivals=list(self.arrivals),
            subscribers=[one for one, _ in self.subscribers.values()],
            faults=list(self.faults),
            poison=list(self.poison),
        )
        committed = {
            (group, topic, partition): end
            for group, topics in GROUPS.items()
            for (topic, partition), end in self._ends.items()
            if topic in topics
        }
        ledgers = {org_id: self._ledger(org_id) for org_id in self.org_ids}
        return Evidence(
            told, Stored(dict(self.tables), list(self.records), committed, dict(self.feeds), ledgers, self.calcom)
        )

    def _ledger(self, org_id: str) -> Row:
        rows = [row for row in self.tables["webhook_dispatcher.deliveries"] if row["org_id"] == org_id]
        states = Counter(row["state"] for row in rows)
        return {
            "accepted": len(rows),
            "delivered": states["delivered"],
            "exhausted": states["exhausted"],
            "discarded": {"disabled": states["discarded"], "deleted": 0},
            "in_flight": 0,
            "unaccounted": 0,
        }


def json_of(value: Any) -> Any:
    """Tell a value as its reader gets it, with nothing that others may still change."""
    return json.loads(json.dumps(value))
