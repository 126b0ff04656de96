"""Structured logs: one line an event, as JSON for machines or in colour for people.

Owns the configuration of structlog and of the standard library's logging, so that libraries' lines look like ours.

Invariants: a line that is written within a trace carries its ids. Of an error its message and the lines of code that
led to it are written, never the values of variables: among them are callers' keys and subscribers' secrets.
"""

import logging
import sys
from typing import Literal

import structlog

from chassis.tracing.context import current, ids


def _tell_trace(_: object, __: str, line: structlog.types.EventDict) -> structlog.types.EventDict:
    """Add the ids of the trace under way, by the names of OpenTelemetry's logs, where there is one."""
    traceparent = current()
    if traceparent is not None:
        line["trace_id"], line["span_id"] = ids(traceparent)
    return line


_SHARED: list[structlog.types.Processor] = [
    structlog.contextvars.merge_contextvars,
    _tell_trace,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
_TRACEBACKS = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)


def configure(*, service: str, shape: Literal["console", "json"], level: str) -> None:
    """Send every log line of this process to standard error in one shape.

    Args:
        service: the name that every line carries.
        shape: `json` for machines, `console` for people.
        level: the least level that is written, in lower case.
    """
    renderer: list[structlog.types.Processor] = (
        [structlog.processors.ExceptionRenderer(_TRACEBACKS), structlog.processors.JSONRenderer()]
        if shape == "json"
        else [
            structlog.dev.ConsoleRenderer(
                colors=True, pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
            )
        ]
    )
    least = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*_SHARED, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(least, logging.WARNING), force=True)
