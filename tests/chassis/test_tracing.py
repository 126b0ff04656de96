"""Spans where they are on, and what it costs and does where they are off."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator

import pytest

from chassis import tracing
from chassis.tracing import Kind
from chassis.tracing.messages import following, processed, processing
from devstack.ports import HOST, free_port
from support.collector import Collector, collector

GIVEN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
UNSAMPLED = f"{GIVEN[:-2]}00"
TRACE = GIVEN[3:35]


@pytest.fixture
async def sent() -> AsyncIterator[Collector]:
    """Traces are on for the test, and this is what they are sent to."""
    async with collector() as told:
        tracing.configure(service="tests", endpoint=told.url)
        yield told
        await asyncio.to_thread(tracing.close)


async def test_where_traces_are_off_a_context_goes_on_as_it_came() -> None:
    assert not tracing.is_on()
    with tracing.span("one", Kind.SERVER, GIVEN) as span:
        span.set("a", 1)
        assert (span.traceparent, tracing.current()) == (GIVEN, GIVEN)
        with tracing.span("other", Kind.INTERNAL, None) as inner:
            assert (inner.traceparent, tracing.current()) == (None, None)
        assert tracing.current() == GIVEN
    assert tracing.current() is None
    done = asyncio.get_running_loop().create_future()
    assert following([("a.topic", b"no json")], [done]) == [done]


def test_where_traces_are_off_nothing_of_opentelemetry_is_imported() -> None:
    program = (
        "import sys, booking.app, waitlist.app, webhook_dispatcher.app, calcom_sync.app; from chassis import tracing;"
        "tracing.configure(service='s', endpoint=None);"
        "sys.exit(any(name.split('.')[0] == 'opentelemetry' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


async def test_a_span_follows_from_the_one_that_it_is_given(sent: Collector) -> None:
    with tracing.span("outer", Kind.SERVER, GIVEN, {"a": "b"}) as outer:
        with tracing.span("inner", Kind.CLIENT, tracing.current()) as inner:
            assert tracing.current() == inner.traceparent
        tracing.past("past", Kind.PRODUCER, tracing.current(), seconds=2.0, error_type="timeout")
    with pytest.raises(LookupError), tracing.span("broken", Kind.INTERNAL, None) as broken:
        raise LookupError
    await asyncio.to_thread(tracing.close)
    told = {span.name: span for span in sent.spans}
    assert {name: (span.kind, span.failed) for name, span in told.items()} == {
        "outer": ("SERVER", False),
        "inner": ("CLIENT", False),
        "past": ("PRODUCER", True),
        "broken": ("INTERNAL", True),
    }
    assert (told["outer"].trace_id, told["outer"].parent) == (TRACE, GIVEN[36:52])
    assert {told["inner"].parent, told["past"].parent} == {told["outer"].span_id}
    assert outer.traceparent == f"00-{TRACE}-{told['outer'].span_id}-01"
    assert (told["outer"].attributes, told["past"].attributes) == ({"a": "b"}, {"error.type": "timeout"})
    assert told["broken"].parent == ""
    assert broken.traceparent is not None
    assert told["broken"].trace_id in broken.traceparent
    assert {span.service for span in sent.spans} == {"tests"}


async def test_what_the_caller_does_not_sample_is_not_sent_and_goes_on_unsampled(sent: Collector) -> None:
    with tracing.span("one", Kind.SERVER, UNSAMPLED) as span:
        assert span.traceparent is not None
        assert (span.traceparent[3:35], span.traceparent[-2:]) == (TRACE, "00")
        tracing.past("other", Kind.CLIENT, span.traceparent, seconds=0.0)
    await asyncio.to_thread(tracing.close)
    assert sent.spans == []


async def test_a_context_that_is_none_begins_a_trace(sent: Collector) -> None:
    with tracing.span("one", Kind.SERVER, "00-4bf9-00f0-01"):
        pass
    await asyncio.to_thread(tracing.close)
    assert [span.parent for span in sent.spans] == [""]


async def test_messages_follow_from_what_created_them(sent: Collector) -> None:
    event = b'{"id": "evt_1", "traceparent": "%b", "data": {}}' % GIVEN.encode()
    answers = [asyncio.get_running_loop().create_future() for _ in range(3)]
    answers[0].set_result(None)
    answers[1].set_exception(TimeoutError())
    answers[2].set_result(None)
    messages = [("a.topic", event), ("a.topic", event), ("a.topic", b"no event")]
    told = await asyncio.gather(*following(messages, answers), return_exceptions=True)
    assert [type(one) for one in told] == [type(None), TimeoutError, type(None)]
    processed("a.topic", "a-group", "evt_1", GIVEN, seconds=0.1)
    processed("a.topic", "a-group", "evt_2", None, seconds=0.1)
    with processing("a.topic", "a-group", "evt_1", GIVEN):
        assert tracing.current() not in {GIVEN, None}
    with processing("a.topic", "a-group", "evt_2", None):
        assert tracing.current() is None
    await asyncio.to_thread(tracing.close)
    assert sorted((span.name, span.failed, span.attributes["messaging.message.id"]) for span in sent.spans) == [
        ("process a.topic", False, "evt_1"),
        ("process a.topic", False, "evt_1"),
        ("send a.topic", False, "evt_1"),
        ("send a.topic", True, "evt_1"),
    ]
    assert {span.parent for span in sent.spans} == {GIVEN[36:52]}


async def test_a_collector_that_is_away_holds_nothing_up() -> None:
    tracing.configure(service="tests", endpoint=f"http://{HOST}:{free_port()}")
    began = time.monotonic()
    for _ in range(5_000):
        tracing.past("one", Kind.INTERNAL, GIVEN, seconds=0.0)
    assert time.monotonic() - began < 2.0
    await asyncio.to_thread(tracing.close)
    assert time.monotonic() - began < 5.0
