"""What `slotwire tail` shows of a record is what the record holds."""

import io
import json

import pytest
from rich.console import Console

from chassis.kafka import Record
from devstack.tail import line
from slotwire_contracts import CATALOG, encode
from support.catalog_events import CHANGES, a_catalog_event
from support.reservations import a_reservation, an_event


def shown(value: bytes) -> str:
    """A record's line as a terminal shows it."""
    console = Console(file=io.StringIO(), highlight=False, soft_wrap=True)
    console.print(line(Record("booking.events", 3, 14, 0, b"key", value)))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_an_event_is_one_line() -> None:
    event = an_event("reservation.confirmed")
    told = shown(encode(event))
    assert told.count("\n") == 1
    assert all(word in told for word in ("3:14", "reservation.confirmed", f"{event.subject} #{event.sequence}"))


@pytest.mark.parametrize("kind", sorted(CATALOG))
def test_every_type_tells_what_it_is_about_and_what_changed(kind: str) -> None:
    event = a_catalog_event(kind)
    told = shown(encode(event))
    assert told.split("3:14 ", 1)[1].split() == [
        kind,
        event.subject,
        f"#{event.sequence}",
        *json.dumps(CHANGES[kind]).split(),
    ]


@pytest.mark.parametrize("data", [None, "text", [1], {"resource": {}}])
def test_a_type_that_is_newer_than_the_reader_is_one_line_too(data: object) -> None:
    content = {**json.loads(encode(an_event())), "type": "thing.happened", "data": data}
    told = shown(json.dumps(content).encode())
    assert told.endswith("thing.happened               bk_abc123 #2 null\n")


def test_brackets_in_an_event_are_no_markup() -> None:
    told = shown(encode(an_event(resource=a_reservation(id="[/x]"), sequence=7)))
    assert "[/x] #7" in told


def test_brackets_in_what_changed_are_no_markup() -> None:
    change = {"from_status": "confirmed", "to_status": "cancelled", "reason": "[/sorry] [near window]"}
    told = shown(encode(an_event("reservation.cancelled", change=change)))
    assert "[/sorry] [near window]" in told


def test_what_is_no_event_says_so() -> None:
    assert "3:14  not an event: " in shown(b"[/x]")
    assert "3:14  not an event: " in shown(b'{"type": "[/x]"}')
