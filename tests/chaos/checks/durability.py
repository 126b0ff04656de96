"""I1: a 2xx means durable: state, history and outbox were committed before the answer.

Invariant: an answer that never came may have happened or not, but if so then once; one that came holds for good.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from chaos.checks.asking import TABLES, Wish, asked_for, asked_of, came_to_be, table_of, thing_of
from chaos.checks.changing import weigh_changes
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
)
from chaos.checks.scales import Scales
from chaos.checks.telling import shown, weigh_answers
from chaos.evidence import Answer, Evidence, Finding, Row
from slotwire_contracts import BOOKING_EVENTS, WAITLIST_EVENTS

_STATES = ("booking.bookings", "waitlist.entries")
"""The tables whose rows' every state is told on a topic."""

_Told = Mapping[str, Sequence[Happening]]


def answers_are_durable(evidence: Evidence) -> Finding:
    """Check that what clients were told is kept, happened by then, once, and was never taken back."""
    scales = Scales("I1")
    events = published(evidence, BOOKING_EVENTS.name, WAITLIST_EVENTS.name)
    told = {subject: some for (_, subject), some in by_subject(events).items()}
    _what_was_told_is_kept(scales, evidence)
    _what_was_told_was_so(scales, evidence, told)
    _rows_are_what_was_told_last(scales, evidence, told)
    weigh_answers(scales, evidence)
    _nothing_happened_twice(scales, evidence, told)
    weigh_changes(scales, evidence)
    return scales.finding()


def _what_was_told_is_kept(scales: Scales, evidence: Evidence) -> None:
    kept = {table: by_id(evidence, table) for _, table in TABLES}
    for answer in changes(evidence):
        table = table_of(answer)
        one, data = thing_of(answer)
        if table is not None and one is not None:
            row = kept[table].get(one)
            scales.weigh(
                row is not None and row["org_id"] == answer.org_id,
                "what a client was told to be is in no table",
                table=table,
                **shown(answer),
            )
            unlike = [name for name in asked_of(answer).keys() & data.keys() if not _is_granted(answer, name)]
            scales.weigh(
                not unlike,
                "a client was told that something was done, but not as it was asked for",
                unlike=unlike,
                asked=answer.body,
                **shown(answer),
            )


def _is_granted(answer: Answer, name: str) -> bool:
    """Compare a field that was asked for with the same one in the answer; instants may be written in any way."""
    asked, told = asked_of(answer)[name], thing_of(answer)[1][name]
    if isinstance(asked, str) and isinstance(told, str) and name.endswith("_time"):
        return instant(asked) == instant(told)
    return bool(asked == told)


def _what_was_told_was_so(scales: Scales, evidence: Evidence, told: _Told) -> None:
    history = by_id(evidence, "booking.history", "event_id")
    for answer in filter(is_success, evidence.told.answers):
        one, data = thing_of(answer)
        if one is not None and table_of(answer) in _STATES:
            states = [event for event in told.get(one, ()) if _is_as_told(event, data)]
            scales.weigh(
                any(event.time <= answer.ended_at and _is_kept(event, history) for event in states),
                "what a client was told never was so by then, by history and topic",
                told_so=[(event.id, event.time) for event in states],
                **shown(answer),
            )


def _is_as_told(event: Happening, data: Mapping[str, Any]) -> bool:
    """Tell whether an event's snapshot has all that an answer tells, but for what only answers have."""
    return all(event.resource[name] == data[name] for name in event.resource.keys() & data.keys())


def _is_kept(event: Happening, history: Mapping[str, Row]) -> bool:
    return not event.type.startswith("reservation.") or event.id in history


def _rows_are_what_was_told_last(scales: Scales, evidence: Evidence, told: _Told) -> None:
    for table in _STATES:
        for row in rows(evidence, table):
            last = [one.resource for one in told.get(row["id"], ()) if one.sequence == row["sequence"]]
            scales.weigh(
                all(_same(row[name], shown[name]) for shown in last for name in row.keys() & shown.keys()),
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


def _nothing_happened_twice(scales: Scales, evidence: Evidence, told: _Told) -> None:
    """Check that no more came to be than was asked for, counting each idempotency key once."""
    emails = {row["id"]: row["email"] for row in rows(evidence, "booking.clients")}
    asked: dict[Wish, set[Any]] = defaultdict(set)
    for number, answer in enumerate(evidence.told.answers):
        wish = asked_for(answer, emails)
        if wish is not None and may_have_happened(answer):
            asked[wish].add(answer.idempotency_key or number)
    made = Counter(wish for some in told.values() for event in some if (wish := came_to_be(event)) is not None)
    for wish, number in made.items():
        scales.weigh(
            number <= len(asked[wish]),
            "more came to be than was asked for",
            wish=wish,
            made=number,
            asked=sorted(map(str, asked[wish])),
        )
