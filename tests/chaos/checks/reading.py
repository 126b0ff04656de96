"""Reading evidence: events as they stand on their topics, and the rows that are the run's own.

Invariant: only what belongs to an organization of the run is seen, so that others may have used the same servers.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chaos.evidence import Answer, Evidence, Record, Row
from slotwire_contracts import CATALOG, TOPICS

_EVENT_TOPICS = frozenset(topic.name for topic in TOPICS)


@dataclass(frozen=True)
class Happening:
    """An event as a record of its topic tells it."""

    record: Record
    event: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.event["id"])

    @property
    def type(self) -> str:
        return str(self.event["type"])

    @property
    def org_id(self) -> str:
        return str(self.event["orgid"])

    @property
    def subject(self) -> str:
        return str(self.event["subject"])

    @property
    def sequence(self) -> int:
        return int(self.event["sequence"])

    @property
    def time(self) -> datetime:
        return instant(self.event["time"])

    @property
    def resource(self) -> Mapping[str, Any]:
        """The snapshot after the change."""
        resource: Mapping[str, Any] = self.event["data"]["resource"]
        return resource

    @property
    def change(self) -> Mapping[str, Any]:
        change: Mapping[str, Any] = self.event["data"]["change"]
        return change

    @property
    def is_public(self) -> bool:
        """Whether feeds and webhooks tell of it."""
        return self.type in CATALOG and CATALOG[self.type].public


def instant(text: str) -> datetime:
    """Read an instant as the system writes it."""
    return datetime.fromisoformat(text)


def published(evidence: Evidence, *topics: str) -> list[Happening]:
    """Read the run's events off these topics, off all if none is named, each as often as it stands there."""
    wanted = frozenset(topics) or _EVENT_TOPICS
    found = (_read(record) for record in evidence.stored.records if record.topic in wanted)
    return [one for one in found if one is not None and one.org_id in evidence.told.org_ids]


def once(happenings: Iterable[Happening]) -> dict[str, Happening]:
    """Take the first record of each event, by the event's id."""
    first: dict[str, Happening] = {}
    for one in happenings:
        first.setdefault(one.id, one)
    return first


def by_subject(happenings: Iterable[Happening]) -> dict[tuple[str, str], list[Happening]]:
    """Sort events, each taken once, by their organization and what they are about, and then by their numbers."""
    found: dict[tuple[str, str], list[Happening]] = defaultdict(list)
    for one in once(happenings).values():
        found[one.org_id, one.subject].append(one)
    for some in found.values():
        some.sort(key=lambda one: one.sequence)
    return found


def event_of(value: bytes | None) -> Mapping[str, Any] | None:
    """Read a record's value; None where it is no event with all that the checks ask of it."""
    try:
        event = json.loads(value or b"")
        whole = {"id", "type", "orgid", "subject", "sequence", "time"} <= event.keys()
        return event if whole and {"resource", "change"} <= event["data"].keys() else None
    except (ValueError, AttributeError, TypeError, KeyError):
        return None


def _read(record: Record) -> Happening | None:
    event = event_of(record.value)
    return None if event is None else Happening(record, event)


def rows(evidence: Evidence, table: str) -> list[Row]:
    """Take a table's rows that are the run's organizations', or all where they name none."""
    found = evidence.stored.tables.get(table, ())
    return [row for row in found if row.get("org_id", None) is None or row["org_id"] in evidence.told.org_ids]


def by_id(evidence: Evidence, table: str, key: str = "id") -> dict[str, Row]:
    """Take a table's rows by a column."""
    return {row[key]: row for row in rows(evidence, table)}


def grouped(some: Iterable[Row], key: str) -> dict[Any, list[Row]]:
    """Sort rows by a column."""
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in some:
        found[row[key]].append(row)
    return found


def changes(evidence: Evidence) -> Iterator[Answer]:
    """Go through what was told of changes that were made."""
    for answer in evidence.told.answers:
        if answer.method != "GET" and is_success(answer):
            yield answer


def is_success(answer: Answer) -> bool:
    return is_good(answer.status)


def is_good(status: int | None) -> bool:
    """Tell whether a status says that all is well; None and 0 stand for no answer."""
    return status is not None and 200 <= status < 300


def may_have_happened(answer: Answer) -> bool:
    """Tell whether a change that was asked for may have been made, as far as its client knows."""
    return (
        answer.status is None
        or is_success(answer)
        or answer.status >= 500
        or error_code(answer) == "idempotency_in_progress"
    )


def error_code(answer: Answer) -> str | None:
    """Read the code with which a change was refused."""
    error = answer.told.get("error") if isinstance(answer.told, Mapping) else None
    return error.get("code") if isinstance(error, Mapping) else None


def told_data(answer: Answer) -> Mapping[str, Any]:
    """Read what an answer is about; empty where it is about no one thing."""
    data = answer.told.get("data") if isinstance(answer.told, Mapping) else None
    return data if isinstance(data, Mapping) else {}


def strings(value: Any) -> Iterator[str]:
    """Go through all strings of a value, however deep they lie."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        for one in value:
            yield from strings(one)
