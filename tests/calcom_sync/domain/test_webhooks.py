"""Which webhooks are Cal.com's, and what they ask for."""

import json
from datetime import timedelta
from typing import Any

import pytest

from calcom_sync.domain.webhooks import Malformed, Nothing, Refetch, is_genuine, meaning, replay_key, signature
from support.calcom import Life
from support.calcom.couriers import NO_SECRET, body
from support.calcom.couriers import signature as signed
from support.calcom.life import BEGINNING

SECRET = "s3cret"
SOON = BEGINNING + timedelta(days=1)


def test_only_what_was_signed_with_the_secret_is_genuine() -> None:
    content = b'{"triggerEvent":"PING"}'
    assert signature(SECRET, content) == signed(SECRET, content)
    assert is_genuine(SECRET, content, signed(SECRET, content))
    assert is_genuine(SECRET, content, signed(SECRET, content).upper())
    for wrong in (None, "", NO_SECRET, signed("other", content), signed(SECRET, content + b" "), "ü" * 64):
        assert not is_genuine(SECRET, content, wrong)


def test_the_body_is_its_identity() -> None:
    assert replay_key(b"one") == replay_key(b"one") != replay_key(b"two")


def test_every_webhook_of_the_stand_in_names_its_booking() -> None:
    life = Life()
    old = life.create(SOON, status="pending")
    life.confirm(old)
    new = life.reschedule(old, SOON + timedelta(hours=1))
    life.mark_absent(new)
    life.cancel(new)
    meanings = [meaning(body(each)) for each in life.untold]
    assert meanings == [
        Refetch("BOOKING_REQUESTED", (old,)),
        Refetch("BOOKING_CREATED", (old,)),
        Refetch("BOOKING_RESCHEDULED", (new, old)),
        Refetch("BOOKING_NO_SHOW_UPDATED", (new,)),
        Refetch("BOOKING_CANCELLED", (new,)),
    ]
    life.ping()
    assert meaning(body(life.untold[-1])) == Nothing("PING", is_ping=True)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"triggerEvent": "MEETING_ENDED", "uid": "A"}, Refetch("MEETING_ENDED", ("A",))),
        ({"triggerEvent": "OOO_CREATED", "payload": {"oooEntry": {"id": 1}}}, Nothing("OOO_CREATED", is_ping=False)),
        ({"triggerEvent": "BOOKING_CREATED", "payload": {"uid": 7}}, Nothing("BOOKING_CREATED", is_ping=False)),
        ({"triggerEvent": "PING", "payload": {"uid": "A"}}, Nothing("PING", is_ping=True)),
        ({"content": "A template of one's own", "uid": "A"}, Refetch("", ("A",))),
        ([], Malformed()),
        ("PING", Malformed()),
    ],
)
def test_odd_ones(told: Any, expected: object) -> None:
    assert meaning(json.dumps(told).encode()) == expected


@pytest.mark.parametrize("content", [b"", b"\xff", b"{", b"[" * 100_000])
def test_what_is_no_json(content: bytes) -> None:
    assert meaning(content) == Malformed()
