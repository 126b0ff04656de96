"""Instants as texts are what the standard library tells."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from booking.api.told import Told

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kathmandu", "UTC")
FALL_BACK = int(datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp())


@given(st.sampled_from(ZONES), st.integers(int(datetime(1973, 1, 1, tzinfo=UTC).timestamp()), 7_258_118_399))
@example("Europe/Berlin", FALL_BACK - 1)
@example("Europe/Berlin", FALL_BACK)
def test_an_instant_is_told_in_utc_and_with_its_offset_in_the_zone(zone: str, second: int) -> None:
    instant, told = datetime.fromtimestamp(second, UTC), Told(zone)
    assert told.utc(second) == instant.isoformat().replace("+00:00", "Z")
    assert told.local(second) == instant.astimezone(ZoneInfo(zone)).isoformat()
