"""Traces: all that follows from one request, in whichever process, as spans that an OpenTelemetry collector is sent.

The context of a trace is one W3C `traceparent`. It stands in events and in the rows of what is done later, so a trace
goes on behind a crash, a restart and a retry.

Invariants: without an endpoint no part of OpenTelemetry is imported and no span is made; a context that came from
outside then goes on as it came. Spans hold nothing up: what cannot be sent is dropped.
"""

from chassis.tracing.context import current, is_traceparent, within
from chassis.tracing.spans import Attributes, Kind, Span, close, configure, is_on, past, span

__all__ = [
    "Attributes",
    "Kind",
    "Span",
    "close",
    "configure",
    "current",
    "is_on",
    "is_traceparent",
    "past",
    "span",
    "within",
]
