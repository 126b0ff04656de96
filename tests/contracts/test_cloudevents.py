"""An outsider's library reads our records."""

import pytest
from cloudevents.core.bindings import kafka

from slotwire_contracts import CATALOG, HEADERS, encode, record_key
from support.catalog_events import CHANGES, RESOURCES, a_catalog_event


@pytest.mark.parametrize("kind", sorted(CATALOG))
def test_the_cloudevents_library_reads_a_record(kind: str) -> None:
    event = a_catalog_event(kind, correlationid="req_1", causationid="evt_0", traceparent="00-4bf9-00f0-01")
    message = kafka.KafkaMessage(headers=dict(HEADERS), key=record_key(event), value=encode(event))
    read = kafka.from_kafka_event(message)
    assert read.get_specversion() == "1.0"
    assert (read.get_id(), read.get_source(), read.get_type()) == (event.id, event.source, kind)
    assert (read.get_subject(), read.get_time()) == (event.subject, event.time)
    assert (read.get_datacontenttype(), read.get_dataschema()) == ("application/json", event.dataschema)
    extensions = ("orgid", "sequence", "correlationid", "causationid", "actor", "traceparent")
    assert [read.get_extension(name) for name in extensions] == [getattr(event, name) for name in extensions]
    assert read.get_data() == {"resource": RESOURCES[CATALOG[kind].resource], "change": CHANGES[kind]}
