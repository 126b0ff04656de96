"""A collector of traces on loopback: takes OTLP over HTTP as any does, and remembers the spans."""

import gzip
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from support.serving import serving
from support.waiting import eventually

SETTINGS = {"OTEL_BSP_SCHEDULE_DELAY": "100"}
"""What who sends spans is told beside the collector's URL: they leave after so many milliseconds."""


@dataclass(frozen=True)
class Sent:
    """A span as it was sent; ids are hexadecimal, the parent of a first one is empty."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent: str
    attributes: dict[str, str | int]
    failed: bool


@dataclass
class Collector:
    """What came."""

    spans: list[Sent] = field(default_factory=list)
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        told = ExportTraceServiceRequest()
        told.ParseFromString(gzip.decompress(body) if request.headers.get("Content-Encoding") == "gzip" else body)
        for resource in told.resource_spans:
            service = _attributes(resource.resource.attributes)["service.name"]
            self.spans += [_sent(str(service), span) for scope in resource.scope_spans for span in scope.spans]
        return web.Response(content_type="application/x-protobuf")

    def of(self, trace_id: str) -> list[Sent]:
        """The spans of a trace."""
        return [span for span in self.spans if span.trace_id == trace_id]

    def named(self, name: str, status: int | None = None) -> list[Sent]:
        """The spans of a name; if a status is given, those that were answered so."""
        found = [span for span in self.spans if span.name == name]
        return [span for span in found if status in {None, span.attributes.get("http.response.status_code")}]

    def way(self, span: Sent) -> list[str]:
        """The names of the spans that one follows from, from the first one to itself."""
        return [one.name for one in self._line(span)]

    def is_whole(self, span: Sent) -> bool:
        """Whether all spans that one follows from have come: each is sent when it has ended."""
        return not self._line(span)[0].parent

    def _line(self, span: Sent) -> list[Sent]:
        by_id = {one.span_id: one for one in self.spans if one.trace_id == span.trace_id}
        line = [span]
        while (parent := by_id.get(line[0].parent)) is not None:
            line.insert(0, parent)
        return line

    async def came(self, name: str, number: int = 1, *, status: int | None = None) -> list[Sent]:
        """Wait for so many spans as `named` tells them."""

        async def are_there() -> bool:
            return len(self.named(name, status)) >= number

        await eventually(are_there, within=30)
        return self.named(name, status)


@asynccontextmanager
async def collector() -> AsyncIterator[Collector]:
    """Listen on a free port of loopback for the block."""
    told = Collector()
    async with serving("/v1/traces", told.take) as origin:
        told.url = origin
        yield told


def _sent(service: str, span: trace_pb2.Span) -> Sent:
    return Sent(
        service,
        span.name,
        trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        _attributes(span.attributes),
        failed=span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
    )


def _attributes(told: Iterable[KeyValue]) -> dict[str, str | int]:
    return {one.key: one.value.int_value if one.value.HasField("int_value") else one.value.string_value for one in told}
