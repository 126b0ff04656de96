"""Reading what Cal.com answers: locks, and texts that can be stored nowhere."""

import json
from typing import Any

import pytest

from calcom_sync.client.answers import Received, read, reset_seconds
from calcom_sync.domain.errors import CalcomMalformedError

NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("42", 42.0),
        ("0", 1.0),
        ("-5", 1.0),
        (f"{NOW + 30:.0f}", 30.0),  # a page of others says that it is a time
        (None, 60.0),
        ("soon", 60.0),
        ("nan", 60.0),
        ("inf", 3600.0),
        (f"{NOW + 30:.0f}000", 3600.0),  # in milliseconds
    ],
)
def test_a_lock_ends_in_so_many_seconds(told: str | None, seconds: float) -> None:
    assert reset_seconds(told, lambda: NOW) == seconds


def json_of(body: bytes) -> Any:
    return read(Received(200, None, body), lambda: NOW)


def test_texts_can_be_stored() -> None:
    told = json_of(rb'{"data": ["a\u0000b", "half \ud83d", "\ud83d\ude00", "\\u0000", {"k\u0000": 1}]}')
    assert told == {"data": ["ab", "half \ufffd", "\U0001f600", "\\u0000", {"k": 1}]}
    json.dumps(told, ensure_ascii=False).encode()


@pytest.mark.parametrize("body", [b'{"data": ["\xed\xa0\x80"]}', '{"data": "\\ud800"}'.encode("utf-16")])
def test_what_is_no_utf_8_is_no_json(body: bytes) -> None:
    with pytest.raises(CalcomMalformedError):
        json_of(body)
    assert json_of('\ufeff["é"]'.encode()) == ["é"]


def test_what_is_no_number_is_none() -> None:
    assert json_of(b"[NaN, Infinity, 1e400, 1.5]") == [None, None, None, 1.5]
    with pytest.raises(CalcomMalformedError):
        json_of(b"\xff")
