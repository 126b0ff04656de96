"""In which order a booking's attendees are told."""

import time

from calcom_sync.domain.people import in_known_order
from support.calcom_rows import attendee


def test_who_is_known_keeps_their_place_and_who_is_new_comes_last() -> None:
    ada, bob, eve = attendee("Ada"), attendee("Bob"), attendee("Eve")
    assert in_known_order([eve, ada, bob], [bob, ada]) == (bob, ada, eve)
    late = bob.model_copy(update={"absent": True})
    assert in_known_order([ada, late], [bob, ada]) == (late, ada)


def test_of_two_with_one_email_each_is_found_by_the_rest() -> None:
    ada = attendee("Ada")
    twin = ada.model_copy(update={"name": "Twin"})
    assert in_known_order([twin, ada], [ada, twin]) == (ada, twin)


def test_a_crowd_takes_no_longer_than_it_is_large() -> None:
    crowd = [attendee(f"Guest {number}") for number in range(10_000)]
    began = time.process_time()
    assert in_known_order(crowd[::-1], crowd) == tuple(crowd)
    assert time.process_time() - began < 2
