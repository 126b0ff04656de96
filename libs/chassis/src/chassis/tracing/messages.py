"""Spans of messages, by the semantic conventions of OpenTelemetry for messaging.

A message's context is that of what created it: it stands in the event itself (CloudEvents' extension `traceparent`), so
who publishes it, and all who process it, follow from that and not from each other.

Invariant: nothing is read of a message while traces are off; one that is no event has no trace.
"""

import time
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager

from pydantic_core import from_json
from structlog.contextvars import bound_contextvars

from chassis.tracing.context import within
from chassis.tracing.spans import Attributes, Kind, is_on, past, span


def following(messages: Sequence[tuple[str, bytes]], sent: Sequence[Awaitable[object]]) -> Sequence[Awaitable[object]]:
    """Have a span made of each message's way to the broker, from now to its acknowledgement, where traces are on.

    Args:
        messages: the topic and the value of each.
        sent: what is awaited for its acknowledgement.
    """
    if not is_on():
        return sent
    return [_send(topic, value, one) for (topic, value), one in zip(messages, sent, strict=True)]


def processed(
    topic: str, group: str, event_id: str, traceparent: str | None, *, seconds: float, error_type: str | None = None
) -> None:
    """Make a span of a message that was processed until now, well or not.

    Args:
        topic: where it stood.
        group: who processed it.
        event_id: its id.
        traceparent: the context of what created it.
        seconds: how long that took, with those that were processed together with it.
        error_type: why it failed in a word, if it did.
    """
    attributes = {**_attributes("process", topic, event_id), "messaging.consumer.group.name": group}
    past(f"process {topic}", Kind.CONSUMER, traceparent, seconds=seconds, attributes=attributes, error_type=error_type)


@contextmanager
def processing(topic: str, group: str, event_id: str, traceparent: str | None) -> Iterator[None]:
    """Make a span of the block, which processes a message of a trace; what the block brings about follows from it."""
    with within(traceparent), bound_contextvars(event_id=event_id):
        if traceparent is None:
            yield
            return
        attributes = {**_attributes("process", topic, event_id), "messaging.consumer.group.name": group}
        with span(f"process {topic}", Kind.CONSUMER, traceparent, attributes):
            yield


def _attributes(operation: str, topic: str, event_id: str) -> Attributes:
    """Tell what a span has of a message."""
    return {
        "messaging.system": "kafka",
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": topic,
        "messaging.message.id": event_id,
    }


async def _send(topic: str, value: bytes, sent: Awaitable[object]) -> object:
    began, error_type = time.perf_counter(), None
    try:
        return await sent
    except Exception as error:
        error_type = type(error).__name__
        raise
    finally:
        event_id, traceparent = _read(value)
        attributes = _attributes("send", topic, event_id)
        seconds = time.perf_counter() - began
        past(f"send {topic}", Kind.PRODUCER, traceparent, seconds=seconds, attributes=attributes, error_type=error_type)


def _read(value: bytes) -> tuple[str, str | None]:
    """Read an event's id and context."""
    try:
        event = from_json(value)
    except ValueError:
        return "", None
    return (event.get("id", ""), event.get("traceparent")) if isinstance(event, dict) else ("", None)
