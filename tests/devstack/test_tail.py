"""What `slotwire tail` shows of a record is what the record holds."""

import io

from rich.console import Console

from chassis.kafka import Record
from devstack.tail import line
from slotwire_contracts import encode
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
