"""Links: what was made here, to the letter, and nothing else."""

import base64
import string
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chassis.crypto import Sealer
from support.waiting_entries import waits
from waitlist.service.claims import CONTEXT, Claim, Claims

UNTIL = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
SEALER = Sealer(bytes(32))
LETTERS = string.ascii_letters + string.digits + "-_"
CLAIMS = Claims("https://guests.example/", SEALER)
ENTRY = waits("org_one", location_id="loc_one", day=UNTIL.date())


def token() -> str:
    """A good link's last part."""
    return CLAIMS.url(ENTRY, UNTIL).removeprefix("https://guests.example/w/")


def test_a_link_names_its_entry_and_its_end() -> None:
    assert CLAIMS.read(token()) == Claim("org_one", ENTRY.id, UNTIL)
    assert token() != token()
    assert ENTRY.id not in token()


def test_a_key_that_is_an_old_one_by_now_still_opens() -> None:
    assert Claims("", Sealer(bytes([1] * 32), bytes(32))).read(token()) is not None
    assert Claims("", Sealer(bytes([1] * 32))).read(token()) is None


@pytest.mark.parametrize("org_id", ["org_a", "org_ab", "org_abc"])  # in some lengths the last letter has bits to spare
def test_every_changed_letter_is_noticed(org_id: str) -> None:
    good = CLAIMS.url(replace(ENTRY, org_id=org_id), UNTIL).removeprefix("https://guests.example/w/")
    for at, letter in enumerate(good):
        for other in set(LETTERS) - {letter}:
            assert CLAIMS.read(good[:at] + other + good[at + 1 :]) is None


@pytest.mark.parametrize("cut", [0, 1, 2, 15, 16, 17, 40, -1, -2, -4])
def test_a_part_of_a_link_is_none(cut: int) -> None:
    assert CLAIMS.read(token()[:cut]) is None


@pytest.mark.parametrize("more", ["A", "AAAA", "=", "==", ".", "\n", " ", "\0", "%3D", "\u00e9", "/"])
def test_a_link_with_more_to_it_is_none(more: str) -> None:
    assert CLAIMS.read(token() + more) is None
    assert CLAIMS.read(more + token()) is None


def test_what_is_sealed_for_something_else_is_none() -> None:
    for context, is_ours in ((CONTEXT, True), (CONTEXT + b"2", False), (b"", False)):
        sealed = SEALER.seal(b'["org_one", "wle_one", 1]', context=context)
        written = base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
        assert (CLAIMS.read(written) is not None) is is_ours
    assert CLAIMS.read("") is None
    assert CLAIMS.read("A" * 1_000_000) is None
