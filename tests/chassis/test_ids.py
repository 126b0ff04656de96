"""Ids sort as their instants do, and never fall behind their predecessor."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from typeid import TypeID

from chassis.ids import new_id, next_id

INSTANTS = st.datetimes(datetime(1970, 1, 2), datetime(2199, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


def test_an_id_is_a_typeid_of_version_7() -> None:
    at = datetime(2026, 11, 21, 12, 0, 0, 123000, tzinfo=UTC)

    made = TypeID.from_string(next_id("evt", None, at))

    assert made.prefix == "evt"
    assert made.uuid.version == 7
    assert made.uuid.timestamp == int(at.timestamp() * 1000)


def test_new_ids_differ_and_carry_their_prefix() -> None:
    made = {new_id("bk") for _ in range(100)}

    assert len(made) == 100
    assert all(one.startswith("bk_") for one in made)


@given(st.lists(INSTANTS, min_size=2, max_size=20))
def test_each_next_id_sorts_after_its_predecessor_whatever_the_clock_does(instants: list[datetime]) -> None:
    ids: list[str] = []
    for at in instants:
        ids.append(next_id("evt", ids[-1] if ids else None, at))

    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)


def test_ids_of_one_millisecond_carry_over_when_their_noise_is_used_up() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    last = "evt_" + str(TypeID.from_string(next_id("evt", None, at)).suffix)[:10] + "zzzzzzzzzzzzzzzz"
    full = TypeID.from_uuid(TypeID.from_string(last).uuid, "evt")

    following = next_id("evt", str(full), at)

    assert following > str(full)
    assert following < next_id("evt", None, at + timedelta(milliseconds=5))
