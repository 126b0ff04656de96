"""What a run leaves behind, for the checks: what clients were told, what subscribers received, what the stores hold.

Invariant: plain values that can be written by hand, so that a test plants a breach by changing one of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Row = Mapping[str, Any]
"""A row of a table, by column; instants are aware datetimes, JSON is decoded."""


@dataclass(frozen=True)
class Answer:
    """What a client was told, or that it was told nothing.

    Attributes:
        org_id: the organization whose key asked.
        body: what was sent, None for nothing.
        sent_at: when the request left, by the clock that all of a run's processes share.
        ended_at: when the answer was there, or none came.
        status: the answer's; None where none came, so that the change may have happened or not.
        told: the answer's JSON, None without one.
        idempotency_key: as sent; the same key is the same change, however often it was asked for.
    """

    org_id: str
    method: str
    path: str
    body: Any
    sent_at: datetime
    ended_at: datetime
    status: int | None
    told: Any
    idempotency_key: str | None = None


@dataclass(frozen=True)
class Arrival:
    """A webhook that came to a subscriber of the run.

    Attributes:
        subscription_id: for whom it was.
        webhook_id: its header.
        verified: whether the signature was right.
        event: the body, decoded.
        status: what the subscriber answered, 0 for no answer at all.
    """

    subscription_id: str
    webhook_id: str
    at: datetime
    verified: bool
    event: Mapping[str, Any]
    status: int


@dataclass(frozen=True)
class Subscriber:
    """A subscription of the run, and how its endpoint behaves.

    Attributes:
        events: its filter, as subscribed.
        created_at: events before are not its own.
        healthy: whether the endpoint answers at once whenever it is asked, over the whole run.
        ordered: whether it wants the order of each resource's events kept.
        ended_at: when it was deleted or disabled by the run, None where it never was.
    """

    id: str
    org_id: str
    events: Sequence[str]
    created_at: datetime
    healthy: bool
    ordered: bool = False
    ended_at: datetime | None = None


@dataclass(frozen=True)
class Fault:
    """A fault as it was done.

    Attributes:
        kind: `kill`, `pause`, `restart`, `cut`, `slow`, `poison` or `rebalance`; `busy` of the `machine`, which nobody
            planned.
        target: a process (`booking-0`), a server (`kafka`, `postgres`), a way (`booking-0>postgres`), a topic or, of
            `rebalance`, a consumer group.
        ended_at: when the target was well again.
    """

    kind: str
    target: str
    at: datetime
    ended_at: datetime


@dataclass(frozen=True)
class Poison:
    """A record that no consumer can take, put on a topic by the run."""

    topic: str
    partition: int
    offset: int
    value: bytes


@dataclass(frozen=True)
class Record:
    """A record of a topic, as it stands in the log."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]
    timestamp: datetime


@dataclass(frozen=True)
class Death:
    """A process that ended though no fault ended it."""

    process: str
    at: datetime
    last_words: str


@dataclass(frozen=True)
class Told:
    """All that happened outside of the system in a run, as the run wrote it down.

    Attributes:
        org_ids: the organizations of the run; each has a key of its own.
        began_at: when the load began.
        ended_at: when the load and the faults had ended; the system then had time to settle.
        settled: whether all came to rest in the time that a run gives it.
        unseen: what went wrong within the run itself (a client's own exception), which makes it say nothing.
    """

    seed: int
    org_ids: Sequence[str]
    began_at: datetime
    ended_at: datetime
    settled: bool
    answers: Sequence[Answer] = ()
    arrivals: Sequence[Arrival] = ()
    subscribers: Sequence[Subscriber] = ()
    faults: Sequence[Fault] = ()
    poison: Sequence[Poison] = ()
    deaths: Sequence[Death] = ()
    unseen: Sequence[str] = ()


@dataclass(frozen=True)
class Stored:
    """What the stores hold once all has settled.

    Attributes:
        tables: rows by database and table, as `booking.bookings`.
        records: what stands on the topics, dead letters included, in order of each partition.
        committed: the offsets that each consumer group has committed, by (group, topic, partition).
        feeds: the history feed as the API answers it, whole, by organization.
        ledgers: the answer of `GET /api/v1/webhooks/ledger`, by organization.
        calcom: the truth that the stand-in of Cal.com holds, by uid.
    """

    tables: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    records: Sequence[Record] = ()
    committed: Mapping[tuple[str, str, int], int] = field(default_factory=dict)
    feeds: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    ledgers: Mapping[str, Row] = field(default_factory=dict)
    calcom: Mapping[str, Row] = field(default_factory=dict)


@dataclass(frozen=True)
class Evidence:
    """Both sides of a run."""

    told: Told
    stored: Stored


@dataclass(frozen=True)
class Breach:
    """An invariant that did not hold.

    Attributes:
        invariant: `I1` to `I12` of the architecture.
        what: the rule that was broken, in one sentence.
        proof: the values that show it, as they were found.
    """

    invariant: str
    what: str
    proof: Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """What a check says.

    Attributes:
        looked_at: how many things it held against the rule; none at all in a run makes the run say nothing.
    """

    invariant: str
    looked_at: int
    breaches: Sequence[Breach] = ()
