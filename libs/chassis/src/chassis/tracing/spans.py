"""Spans, where traces are on; where they are off, the same calls cost next to nothing.

Invariant: the context inside a span is the span's own, or where it is none of ours, the one that came.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from chassis.tracing.context import within

Attributes = Mapping[str, str | int]
_NONE: Attributes = MappingProxyType({})


class Kind(StrEnum):
    """What a span is to those beside it (OpenTelemetry's span kinds)."""

    SERVER = "SERVER"
    CLIENT = "CLIENT"
    PRODUCER = "PRODUCER"
    CONSUMER = "CONSUMER"
    INTERNAL = "INTERNAL"


class Span(Protocol):
    """Something that is under way."""

    @property
    def traceparent(self) -> str | None:
        """The context for what follows from it."""

    def set(self, name: str, value: str | int) -> None:
        """Tell one more attribute."""

    def fail(self, error_type: str) -> None:
        """Tell that it failed, and by what in a word."""

    def end(self, at: int | None = None) -> None:
        """Tell that it is over: now, or at an instant in nanoseconds since 1970."""


class Tracer(Protocol):
    """What makes spans and sends them."""

    def start(self, name: str, kind: Kind, parent: str | None, attributes: Attributes, began: int | None) -> Span:
        """Begin a span: now, or at an instant in nanoseconds since 1970."""

    def close(self) -> None:
        """Send what is there, for a moment at most."""


class _Off:
    """Stands for a span where there is none."""

    def __init__(self, traceparent: str | None) -> None:
        self.traceparent = traceparent

    def set(self, name: str, value: str | int) -> None: ...

    def fail(self, error_type: str) -> None: ...

    def end(self, at: int | None = None) -> None: ...


class _Process:
    """What this process has of traces."""

    tracer: Tracer | None = None


def configure(*, service: str, endpoint: str | None) -> None:
    """Turn traces on, or with None off.

    Args:
        service: the name that every span carries.
        endpoint: the base URL of a collector that takes OTLP over HTTP. What else there is to set the SDK reads from
            the environment (`OTEL_TRACES_SAMPLER`, `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_RESOURCE_ATTRIBUTES` …).
    """
    close()
    if endpoint is not None:
        from chassis.tracing.exporting import Exporting  # noqa: PLC0415 - it takes a tenth of a second to import

        _Process.tracer = Exporting(service, endpoint)


def close() -> None:
    """Turn traces off; what is there is sent, for a moment at most."""
    tracer, _Process.tracer = _Process.tracer, None
    if tracer is not None:
        tracer.close()


def is_on() -> bool:
    """Tell whether spans are made."""
    return _Process.tracer is not None


@contextmanager
def span(name: str, kind: Kind, parent: str | None, attributes: Attributes = _NONE) -> Iterator[Span]:
    """Make a span of the block, and its context the one under way.

    Args:
        name: what it is, of few possible values.
        kind: what it is to those beside it.
        parent: the context that it follows from; with None it begins a trace.
        attributes: what else is known of it.
    """
    tracer = _Process.tracer
    made: Span = _Off(parent) if tracer is None else tracer.start(name, kind, parent, attributes, None)
    try:
        with within(made.traceparent):
            yield made
    except BaseException as error:
        made.fail(type(error).__name__)
        raise
    finally:
        made.end()


def past(
    name: str,
    kind: Kind,
    parent: str | None,
    *,
    seconds: float,
    attributes: Attributes = _NONE,
    error_type: str | None = None,
) -> None:
    """Make a span of what has ended now and from which nothing follows; outside of any trace it makes none.

    Args:
        name: what it was, of few possible values.
        kind: what it was to those beside it.
        parent: the context that it followed from.
        seconds: how long it took.
        attributes: what else is known of it.
        error_type: why it failed in a word, if it did.
    """
    tracer = _Process.tracer
    if tracer is None or parent is None:
        return
    ended = time.time_ns()
    made = tracer.start(name, kind, parent, attributes, ended - int(seconds * 1e9))
    if error_type is not None:
        made.fail(error_type)
    made.end(ended)
