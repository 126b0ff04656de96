"""Any reservation and any event of the catalog, for property tests."""

from hypothesis import strategies as st

from slotwire_contracts import CATALOG
from support.reservations import a_reservation, an_event

TEXT = st.text(min_size=1, max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
INSTANTS = st.datetimes(timezones=st.timezones(), allow_imaginary=False).filter(lambda at: 1 < at.year < 9999)
RESERVATIONS = st.builds(
    a_reservation,
    id=TEXT,
    title=st.none() | TEXT,
    start_time=INSTANTS,
    metadata=st.dictionaries(TEXT, JSON, max_size=3),
    table_ids=st.lists(TEXT, max_size=3),
    party_size=st.integers(1, 500),
    location_type=st.sampled_from([None, "in_person", "phone", "video", "custom"]),
)
EVENTS = st.sampled_from(sorted(CATALOG)).flatmap(
    lambda kind: st.builds(
        an_event,
        st.just(kind),
        id=TEXT,
        time=INSTANTS,
        resource=RESERVATIONS,
        sequence=st.integers(1, 2**31 - 1),
        actor=st.sampled_from([None, "staff", "client", "system", "calcom"]),
        correlationid=st.none() | TEXT,
        causationid=st.none() | TEXT,
        traceparent=st.none() | TEXT,
    )
)
