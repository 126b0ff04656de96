"""Which bookings are one appointment, whatever of it was read and in whatever order."""

import time
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcom_sync.domain.chains import REPLICA_LAG, Arranged, arrange, is_surely_gone, linked
from calcom_sync.domain.row import Row
from support.calcom.life import BEGINNING
from support.calcom_rows import row

A = row("A", status="cancelled", rescheduled_to="B")
B = row("B", status="cancelled", rescheduled_from="A", rescheduled_to="C")
C = row("C", rescheduled_from="B")


def seated(uid: str, **given: object) -> Row:
    """A booking with seats."""
    return row(uid, is_seated=True, **given)  # type: ignore[arg-type]  # fields of a row


def only(arranged: Arranged) -> tuple[str, tuple[str, ...], str | None]:
    """The one chain: its id, its uids, and the uid of its row."""
    assert not arranged.wanted
    (chain,) = arranged.chains
    return chain.id, chain.uids, None if chain.row is None else chain.row.uid


@pytest.mark.parametrize("rows", [[A, B, C], [C, B, A], [B, A, C]])
def test_a_chain_is_put_together(rows: list[Row]) -> None:
    assert only(arrange(rows, {})) == ("A", ("A", "B", "C"), "C")


def test_one_end_of_a_link_is_enough() -> None:
    mute = [row("A", status="cancelled"), row("B", status="cancelled", rescheduled_from="A"), C]
    assert only(arrange(mute, {})) == ("A", ("A", "B", "C"), "C")
    assert only(arrange([A, B, row("C")], {})) == ("A", ("A", "B", "C"), "C")


def test_what_is_lacking_is_asked_for_and_nothing_is_told_before() -> None:
    assert arrange([A], {}) == Arranged((), frozenset({"B"}))
    assert arrange([A, B], {}) == Arranged((), frozenset({"C"}))
    assert arrange([C], {}).wanted == {"B"}
    assert arrange([C, B], {}).wanted == {"A"}
    both = arrange([C, row("D")], {})
    assert ([chain.id for chain in both.chains], both.wanted) == (["D"], frozenset({"B"}))


def test_a_known_uid_keeps_its_chain() -> None:
    known = {"A": ("A", "B")}
    assert only(arrange([C], known)) == ("A", ("A", "B", "C"), "C")
    assert only(arrange([A], known)) == ("A", ("A", "B"), None)
    assert arrange([B], known).wanted == {"C"}
    apart = arrange([A, row("B", rescheduled_from="A")], {"A": ("A",), "B": ("B",)})
    assert sorted(chain.uids for chain in apart.chains) == [("A",), ("B",)]


def test_what_is_gone_is_not_waited_for() -> None:
    (ended,) = arrange([A, B], {}, frozenset({"C"})).chains
    assert (ended.id, ended.uids, ended.is_gone) == ("A", ("A", "B", "C"), True)
    assert ended.row == B
    assert only(arrange([C], {}, frozenset({"B"}))) == ("B", ("B", "C"), "C")
    (unread,) = arrange([], {"A": ("A", "B")}, frozenset({"B"})).chains
    assert (unread.is_gone, unread.row, unread.uid) == (True, None, "B")
    (inner,) = arrange([], {"A": ("A", "B")}, frozenset({"A"})).chains
    assert (inner.is_gone, inner.row) == (False, None)
    assert arrange([], {}, frozenset({"X"})) == Arranged((), frozenset())


def test_bookings_with_seats_stand_alone() -> None:
    left, moved = seated("A", rescheduled_to="B"), seated("B", rescheduled_from="A")
    arranged = arrange([left, moved], {})
    assert sorted(chain.uids for chain in arranged.chains) == [("A",), ("B",)]
    assert not arrange([moved], {}).wanted
    empty = row("A", status="cancelled", attendees=(), rescheduled_to="B")
    assert sorted(chain.uids for chain in arrange([empty, moved], {}).chains) == [("A",), ("B",)]


def test_of_two_that_took_its_place_the_one_that_lives_is_current() -> None:
    first = row("B", rescheduled_from="A")
    second = row("C", rescheduled_from="A", status="cancelled", created_at=BEGINNING + timedelta(hours=1))
    origin = row("A", status="cancelled")
    assert only(arrange([origin, first, second], {}))[2] == "B"
    assert arrange([second], {"A": ("A", "B")}).wanted == {"B"}
    assert only(arrange([second, first], {"A": ("A", "B")})) == ("A", ("A", "C", "B"), "B")


def test_circles_do_not_hang() -> None:
    around = [
        row("A", rescheduled_from="B"),
        row("B", rescheduled_from="A"),
        row("C", rescheduled_from="B"),
    ]
    (chain,) = arrange(around, {}).chains
    assert chain.id == "A"
    assert set(chain.uids) == {"A", "B", "C"}
    assert only(arrange([row("A", rescheduled_from="A", rescheduled_to="A")], {}))[1] == ("A",)


def test_the_longest_chains_take_no_longer_than_what_is_read() -> None:
    count = 3_000
    moved = [row(f"u{n}", status="cancelled", rescheduled_from=f"u{n - 1}" if n else None) for n in range(count)]
    Random(1).shuffle(moved)
    known = tuple(f"k{n}" for n in range(count))
    around = [row(f"c{n}", rescheduled_from=f"c{(n or count) - 1}") for n in range(count)]
    began = time.process_time()
    arranged = arrange([*moved, *around, row("k", rescheduled_from=known[-1])], {known[0]: known})
    assert time.process_time() - began < 2
    assert {chain.id: len(chain.uids) for chain in arranged.chains} == {"u0": count, "c0": count, "k0": count + 1}


@given(st.lists(st.sampled_from(["move", "cancel"]), max_size=6), st.randoms(use_true_random=False), st.data())
def test_whatever_is_read_first_the_chain_is_the_same(moves: list[str], random: Random, data: st.DataObject) -> None:
    """Rows come one by one in any order, each with or without its link forward; what is wanted is read."""
    uids = [f"U{n}" for n in range(len(moves) + 1)]
    rows = {}
    for n, uid in enumerate(uids):
        is_last = n == len(moves)
        after = None if is_last or moves[n] == "cancel" else uids[n + 1]
        rows[uid] = row(
            uid,
            status="accepted" if is_last else "cancelled",
            rescheduled_from=uids[n - 1] if n else None,
            rescheduled_to=after,
            created_at=BEGINNING + timedelta(hours=n),
        )
    known: dict[str, tuple[str, ...]] = {}
    for uid in [*random.sample(uids, k=data.draw(st.integers(1, len(uids)))), uids[-1]]:
        read = {uid}
        while True:
            arranged = arrange([rows[one] for one in read], known)
            if not arranged.wanted:
                break
            read |= arranged.wanted
        known |= {chain.id: chain.uids for chain in arranged.chains}
    assert known == {"U0": tuple(uids)}


def test_a_chain_that_was_moved_to_nowhere_is_open() -> None:
    moved = row("A", status="cancelled", rescheduled_by="ada@guest.example")
    after = row("B", rescheduled_from="A")
    (chain,) = arrange([moved], {}).chains
    assert chain.is_open
    for rows in ([moved, after], [row("A", status="cancelled")], [after]):
        (chain,) = arrange(rows, {"A": ("A",)}).chains
        assert not chain.is_open


def test_uids_that_must_be_known() -> None:
    assert linked([A, C]) == {"A", "B", "C"}


def test_what_was_heard_of_lately_is_not_surely_gone() -> None:
    assert not is_surely_gone(BEGINNING, BEGINNING + REPLICA_LAG - timedelta(seconds=1))
    assert is_surely_gone(BEGINNING, BEGINNING + REPLICA_LAG)
