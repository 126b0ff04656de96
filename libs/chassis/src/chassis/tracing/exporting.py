"""The one module that knows OpenTelemetry: spans of its SDK, sent as OTLP over HTTP from a thread.

Invariant: nothing here is global, so that a process may turn traces on and off; the end takes a moment, whatever the
collector does.
"""

import threading

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from chassis.tracing.context import ids, is_traceparent
from chassis.tracing.spans import Attributes, Kind, Span

_CLOSE_SECONDS = 2.0
_EXPORT_SECONDS = 5.0


class Exporting:
    """Makes spans and sends them.

    Args:
        service: the name that every span carries.
        endpoint: the collector's base URL.
    """

    def __init__(self, service: str, endpoint: str) -> None:
        resource = Resource.create({"service.name": service, "service.namespace": "slotwire"})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=_EXPORT_SECONDS)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("slotwire")

    def start(self, name: str, kind: Kind, parent: str | None, attributes: Attributes, began: int | None) -> Span:
        """Begin a span: now, or at an instant in nanoseconds since 1970."""
        made = self._tracer.start_span(
            name, _context(parent), SpanKind[kind.value], attributes=dict(attributes), start_time=began
        )
        return _Exported(made, parent)

    def close(self) -> None:
        """Send what is there, for a moment at most."""
        ending = threading.Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        ending.join(_CLOSE_SECONDS)


class _Exported:
    """A span of the SDK's."""

    def __init__(self, made: trace.Span, parent: str | None) -> None:
        self._made = made
        told = made.get_span_context()
        self.traceparent = _traceparent(told) if told.is_valid else parent

    def set(self, name: str, value: str | int) -> None:
        self._made.set_attribute(name, value)

    def fail(self, error_type: str) -> None:
        self._made.set_attribute("error.type", error_type)
        self._made.set_status(Status(StatusCode.ERROR))

    def end(self, at: int | None = None) -> None:
        self._made.end(at)


def _context(parent: str | None) -> Context:
    """Turn a context of ours into the SDK's; without one, or with one that is none, a trace begins."""
    if parent is None or not is_traceparent(parent):
        return Context()
    trace_id, span_id = (int(one, 16) for one in ids(parent))
    told = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(int(parent[-2:], 16)))
    return trace.set_span_in_context(NonRecordingSpan(told), Context())


def _traceparent(told: SpanContext) -> str:
    return f"00-{told.trace_id:032x}-{told.span_id:016x}-{told.trace_flags:02x}"
