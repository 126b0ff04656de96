"""Which webhooks are Cal.com's, and what they ask for."""

import json
from datetime import timedelta
from typing import Any

import pytest

from calcom_sync.domain.webhooks import (
    Malformed,
    Nothing,
    Refetch,
    is_genuine,
    meaning,
    replay_key,
    signature,
    signed_with,
)
from support.calcom import Life
from support.calcom.couriers import NO_SECRET, body
from support.calcom.couriers import signature as signed
from support.calcom.life import BEGINNING

SECRET = "s3cret"
UID = "must be 1 to 255 visible ASCII characters"
ENDED = Refetch(("A",))
SOON = BEGINNING + timedelta(days=1)


def test_only_what_was_signed_with_the_secret_is_genuine() -> None:
    content = b'{"triggerEvent":"PING"}'
    assert signature(SECRET, content) == signed(SECRET, content)
    assert is_genuine([SECRET], content, signed(SECRET, content))
    assert is_genuine(["new", SECRET], content, signed(SECRET, content))
    assert not is_genuine([], content, signed(SECRET, content))
    for wrong in (signed("other", content), signed(SECRET, content + b" "), "0" * 64):
        assert not is_genuine([SECRET, "old"], content, wrong)


def test_only_what_can_be_a_signature_is_looked_at() -> None:
    right = signed(SECRET, b"{}")
    assert signed_with(f" {right.upper()} ") == right
    for wrong in (None, "", NO_SECRET, right[1:], f"{right}0", f"sha256={right}", "ü" * 64, "g" * 64, "٣" * 64):
        assert signed_with(wrong) is None


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
        Refetch((old,), BEGINNING, is_unique=True),
        Refetch((old,), BEGINNING, is_unique=True),
        Refetch((new, old), BEGINNING, is_unique=True),
        Refetch((new,), BEGINNING, is_unique=True),
        Refetch((new,), BEGINNING, is_unique=True),
    ]
    life.ping()
    assert meaning(body(life.untold[-1])) == Nothing(is_ping=True)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"triggerEvent": "MEETING_ENDED", "uid": "A"}, Refetch(("A",))),
        ({"triggerEvent": "OOO_CREATED", "payload": {"oooEntry": {"id": 1}}}, Nothing(is_ping=False)),
        ({"triggerEvent": "BOOKING_CREATED", "payload": {"uid": 7}}, Malformed("payload.uid", UID)),
        ({"triggerEvent": "BOOKING_CREATED", "payload": {"uid": ""}}, Malformed("payload.uid", UID)),
        ({"uid": "A\0"}, Malformed("uid", UID)),
        ({"payload": {"uid": "A", "rescheduleUid": "A" * 256}}, Malformed("payload.rescheduleUid", UID)),
        ({"triggerEvent": "BOOKING_CREATED", "payload": {"uid": None}}, Malformed("payload.uid", "must be there")),
        ({"triggerEvent": "BOOKING_CREATED"}, Malformed("uid", "must be there")),
        ({"triggerEvent": 7, "uid": "A"}, Malformed("triggerEvent", "must be a text")),
        ({"uid": "A", "createdAt": "2026-01-05T08:00:00.000Z"}, Refetch(("A",), BEGINNING, is_unique=True)),
        ({"uid": "A", "createdAt": "2026-01-05T09:00:00.000+01:00"}, Refetch(("A",), BEGINNING)),
        ({"uid": "A", "createdAt": "2026-01-05T08:00:00"}, Refetch(("A",), BEGINNING)),
        ({"uid": "A", "createdAt": "0001-01-01T00:00:00+14:00"}, Refetch(("A",))),
        ({"uid": "A", "createdAt": "soon"}, Refetch(("A",))),
        ({"triggerEvent": "MEETING_ENDED", "uid": "A", "createdAt": "2026-01-05T08:00:00"}, ENDED),
        ({"triggerEvent": "PING", "payload": {"uid": "A"}}, Nothing(is_ping=True)),
        ({"content": "A template of one's own", "uid": "A"}, Refetch(("A",))),
        ([], Malformed("body", "must be a JSON object")),
        ("PING", Malformed("body", "must be a JSON object")),
    ],
)
def test_odd_ones(told: Any, expected: object) -> None:
    assert meaning(json.dumps(told).encode()) == expected


@pytest.mark.parametrize("content", [b"", b"\xff", b"{", b"[" * 100_000])
def test_what_is_no_json(content: bytes) -> None:
    assert meaning(content) == Malformed("body", "must be JSON")
