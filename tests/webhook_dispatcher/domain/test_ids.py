"""I5: the `webhook-id` of (event, subscription) never changes."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typeid import TypeID

from chassis.ids import new_id, next_id
from webhook_dispatcher.domain.ids import UnsortableIdError, delivery_id, first_delivery_id, instant_of

INSTANTS = st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(9999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants naive bounds


def test_an_id_is_what_it_always_was() -> None:
    event, subscription = "evt_01h455vb4pex5vsknk084sn02q", "sub_01h455vb4pex5vsknk084sn02q"
    assert delivery_id(event, subscription) == "dlv_01h455vb4pf5ab0wd5jg8xqnm5"


@given(INSTANTS)
def test_an_id_is_a_uuid_of_version_7_with_the_time_of_its_event(at: datetime) -> None:
    event = next_id("evt", None, at)
    made = TypeID.from_string(delivery_id(event, "sub_a"))
    uuid = UUID(bytes=made.uuid.bytes)
    assert (made.prefix, uuid.version, uuid.variant) == ("dlv", 7, "specified in RFC 4122")
    assert uuid.int >> 80 == int(at.timestamp() * 1000)
    assert abs(instant_of(str(made)) - at) <= timedelta(milliseconds=1)


@given(INSTANTS, INSTANTS)
def test_ids_sort_by_the_time_of_their_event(one: datetime, other: datetime) -> None:
    first, second = sorted([one, other])
    if int(first.timestamp() * 1000) < int(second.timestamp() * 1000):
        ids = [delivery_id(next_id("evt", None, at), "sub_a") for at in (first, second)]
        assert ids == sorted(ids)
        assert first_delivery_id(second) <= ids[1]
        assert first_delivery_id(second) > ids[0]


def test_another_event_or_subscription_has_another_id() -> None:
    events = [new_id("evt") for _ in range(50)]
    pairs = [(event, subscription) for event in events for subscription in ("sub_a", "sub_b")]
    assert len({delivery_id(*pair) for pair in pairs}) == len(pairs)
    assert {delivery_id(*pair) for pair in pairs} == {delivery_id(*pair) for pair in pairs}


@pytest.mark.parametrize(
    "event_id",
    ["", "evt_", "evt_1", "evt_01hzy", "evt_81h455vb4pex5vsknk084sn02q", "evt_01h455vb4pex5vsknk084sn02u", "a" * 99],
)
def test_an_event_without_a_sortable_id_is_refused(event_id: str) -> None:
    with pytest.raises(UnsortableIdError):
        delivery_id(event_id, "sub_a")
