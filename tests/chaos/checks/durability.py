"""I1: a 2xx means durable: state, history and outbox were committed before the answer.

Invariant: an answer that never came may have happened or not, but if so then once; one that came holds for good.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from chaos.checks.reading import (
    Happening,
    by_id,
    by_subject,
    changes,
    instant,
    is_success,
    may_have_happened,
    published,
    rows,
    told_data,
)
from chaos.checks.scales import Scales
from chaos.evidence import Answer, Evidence, Finding, Row
from slotwire_contracts import BOOKING_EVENTS, WAITLIST_EVENTS

_TABLES: Sequence[tuple[str, str]] = (
    (r"/api/v1/bookings(/[^/]+)?", "booking.bookings"),
    (r"/v2/event_instances/[^/]+/registrations", "booking.bookings"),
    (r"/v2/event_instances(/[^/]+(/cancel)?)?", "booking.event_instances"),
    (r"/v2/settings/services", "booking.services"),
    (r"/api/v1/locations(/[^/]+)?", "booking.locations"),
    (r"/api/v1/tables(/[^/]+)?", "booking.tables"),
    (r"/api/v1/sections(/[^/]+)?", "booking.sections"),
    (r"/api/v1/schedules(/[^/]+)?", "booking.schedules"),
    (r"/api/v1/event-types(/[^/]+)?", "booking.event_types"),
    (r"/api/v1/clients(/[^/]+)?", "booking.clients"),
    (r"/api/v1/waitlist(/[^/]+(/(convert|notify|decline))?)?", "waitlist.entries"),
    (r"/platform/v1/scheduling/waitlist(/cancel)?", "waitlist.entries"),
    (r"/api/bookings/sync-calcom", "calcom_sync.runs"),
    (r"/api/v1/webhooks/subscriptions(/[^/]+(/(enable|disable|rotate-secret))?)?", "webhook_dispatcher.subscriptions"),
)
"""Where what a path makes or changes is kept."""

_STATES = ("booking.bookings", "waitlist.entries")
"""The tables whose rows' every state is told on a topic."""

_Told = Mapping[str, Sequence[Happening]]
_Wish = tuple[str, str, Any, str | None]


def answers_are_durable(evidence: Evidence) -> Finding:
    """Check that what clients were told is kept, happened by then, once, and was never taken back."""
    scales = Scales("I1")
    events = published(evidence, BOOKING_EVENTS.name, WAITLIST_EVENTS.name)
    told = {subject: some for (_, subject), some in by_subject(events).items()}
    _what_was_told_is_kept(scales, evidence, told)
    _rows_are_what_was_told_last(scales, evidence, told)
    _keys_tell_one_thing(scales, evidence)
    _nothing_is_taken_back(scales, evidence)
    _nothing_happened_twice(scales, evidence, told)
    return scales.finding()


def _table(answer: Answer) -> str | None:
    path = answer.path.partition("?")[0]
    return next((table for pattern, table in _TABLES if re.fullmatch(pattern, path)), None)


def _thing(answer: Answer) -> tuple[str | None, Mapping[str, Any]]:
    """Tell what an answer is about: its id, and what was told of it."""
    data = told_data(answer)
    data = data.get("waitlist", data)
    one = data.get("id", data.get("uid"))
    return (one, data) if one is not None or not isinstance(answer.told, Mapping) else (answer.told.get("run_id"), data)


def _what_was_told_is_kept(scales: Scales, evidence: Evidence, told: _Told) -> None:
    kept = {table: by_id(evidence, table) for _, table in _TABLES}
    history = by_id(evidence, "booking.history", "event_id")
    for answer in changes(evidence):
        table = _table(answer)
        one, data = _thing(answer)
        if table is None or one is None:
            continue
        row = kept[table].get(one)
        scales.weigh(
            row is not None and row["org_id"] == answer.org_id,
            "what a client was told to be is in no table",
            table=table,
            **_shown(answer),
        )
        if table in _STATES:
            states = [event for event in told.get(one, ()) if _is_as_told(event, data)]
            scales.weigh(
                any(event.time <= answer.ended_at and _is_kept(event, history) for event in states),
                "what a client was told never was so by then, by history and topic",
                told_so=[(event.id, event.time) for event in states],
                **_shown(answer),
            )


def _is_as_told(event: Happening, data: Mapping[str, Any]) -> bool:
    """Tell whether an event's snapshot has all that an answer tells, but for what only answers have."""
    return all(event.resource[name] == data[name] for name in event.resource.keys() & data.keys())


def _is_kept(event: Happening, history: Mapping[str, Row]) -> bool:
    return not event.type.startswith("reservation.") or event.id in history


def _shown(answer: Answer) -> dict[str, Any]:
    return {
        "method": answer.method,
        "path": answer.path,
        "key": answer.idempotency_key,
        "sent_at": answer.sent_at,
        "ended_at": answer.ended_at,
        "status": answer.status,
        "told": answer.told,
    }


def _rows_are_what_was_told_last(scales: Scales, evidence: Evidence, told: _Told) -> None:
    for table in _STATES:
        for row in rows(evidence, table):
            events = told.get(row["id"], ())
            last = events[-1].resource if events else {}
            scales.weigh(
                bool(events) and all(_same(row[name], last[name]) for name in row.keys() & last.keys()),
                "a row is not what was told of it last",
                table=table,
                row=dict(row),
                last=last,
            )


def _same(stored: Any, told: Any) -> bool:
    """Compare a column with how it is told: instants as text, some to the second, and tables as a list."""
    if isinstance(stored, datetime):
        at = instant(told)
        return at == (stored if at.microsecond else stored.replace(microsecond=0))
    return bool(list(stored) == list(told)) if isinstance(told, list) else bool(stored == told)


def _keys_tell_one_thing(scales: Scales, evidence: Evidence) -> None:
    told: dict[tuple[str, ...], list[Answer]] = defaultdict(list)
    for answer in changes(evidence):
        if answer.idempotency_key is not None and answer.method == "POST":
            told[answer.org_id, answer.path, answer.idempotency_key].append(answer)
    for (org_id, path, key), some in told.items():
        scales.weigh(
            all(_thing(answer) == _thing(some[0]) and answer.status == some[0].status for answer in some),
            "one idempotency key was told two things",
            org_id=org_id,
            path=path,
            key=key,
            told=[(answer.status, answer.told) for answer in some],
        )


def _nothing_is_taken_back(scales: Scales, evidence: Evidence) -> None:
    """Check that whoever asks after an answer is not told of an earlier version."""
    told: dict[str, list[Answer]] = defaultdict(list)
    for answer in evidence.told.answers:
        one, data = _thing(answer)
        if one is not None and is_success(answer) and isinstance(data.get("version"), int):
            told[one].append(answer)
    for one, some in told.items():
        for before, after in _went_back(some):
            scales.weigh(
                False,  # noqa: FBT003
                "a client was told of a version that is earlier than one that was told before",
                id=one,
                before=_shown(before),
                after=_shown(after),
            )


def _went_back(some: Sequence[Answer]) -> Iterator[tuple[Answer, Answer]]:
    for after in some:
        if after.method == "POST" and after.idempotency_key is not None:
            continue  # it may be the stored answer
        earlier = [one for one in some if one.ended_at < after.sent_at]
        latest = max(earlier, key=_version, default=after)
        if _version(latest) > _version(after):
            yield latest, after


def _version(answer: Answer) -> int:
    return int(_thing(answer)[1]["version"])


def _nothing_happened_twice(scales: Scales, evidence: Evidence, told: _Told) -> None:
    """Check that no more came to be than was asked for, counting each idempotency key once."""
    emails = {row["id"]: row["email"] for row in rows(evidence, "booking.clients")}
    asked: dict[_Wish, set[Any]] = defaultdict(set)
    for number, answer in enumerate(evidence.told.answers):
        wish = _asked_for(answer, emails)
        if wish is not None and may_have_happened(answer):
            asked[wish].add(answer.idempotency_key or number)
    made = Counter(wish for some in told.values() for event in some if (wish := _came_to_be(event)) is not None)
    for wish, number in made.items():
        scales.weigh(
            number <= len(asked[wish]),
            "more came to be than was asked for",
            wish=wish,
            made=number,
            asked=sorted(map(str, asked[wish])),
        )


def _asked_for(answer: Answer, emails: Mapping[str, str]) -> _Wish | None:
    """Tell what a request asks to make: for which organization, what, where, and for whom."""
    body = answer.body if isinstance(answer.body, Mapping) else {}
    table = _table(answer)
    if answer.method != "POST" or body.get("waitlist_entry_id") is not None:
        return None
    if table == "booking.bookings":
        email = (body.get("attendee") or {}).get("email")
        return answer.org_id, table, None, email or emails.get(body.get("client_id", ""))
    if table == "waitlist.entries":
        place = body.get("eventInstanceId") or (body.get("locationId"), body.get("requestedDate"))
        return answer.org_id, table, place, body.get("userId") or (body.get("contact") or {}).get("email")
    return None


def _came_to_be(event: Happening) -> _Wish | None:
    """Tell what an event says came to be because a client asked for it, in the words of `_asked_for`."""
    one = event.resource
    if event.type == "reservation.created" and one["source"] != "waitlist" and event.event.get("actor") != "calcom":
        return event.org_id, "booking.bookings", None, one["attendee_email"]
    if event.type == "waitlist_entry.joined" and event.event.get("actor") != "system":
        place = one["eventInstanceId"] or (one["locationId"], one["requestedDate"])
        return event.org_id, "waitlist.entries", place, one["userId"] or (one["contact"] or {}).get("email")
    return None
