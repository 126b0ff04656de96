"""The context of the trace under way, wherever it came from.

Invariant: it belongs to one task and what that task starts; two requests of one connection never share it.
"""

import re
from contextvars import ContextVar

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_TRACE_ID = slice(3, 35)
_SPAN_ID = slice(36, 52)
_CURRENT: ContextVar[str | None] = ContextVar("traceparent", default=None)


def is_traceparent(text: str) -> bool:
    """Tell whether a text is a context as W3C Trace Context, section 3.2, writes it."""
    return _TRACEPARENT.fullmatch(text) is not None


def current() -> str | None:
    """Tell the context under way; None outside of any trace."""
    return _CURRENT.get()


def ids(traceparent: str) -> tuple[str, str]:
    """Tell the ids of a context's trace and span, in hexadecimal."""
    return traceparent[_TRACE_ID], traceparent[_SPAN_ID]


class _Within:
    """The block of a `with`; a generator would cost an attempt of a webhook three times as much."""

    __slots__ = ("_token", "_traceparent")

    def __init__(self, traceparent: str | None) -> None:
        self._traceparent = traceparent

    def __enter__(self) -> None:
        self._token = _CURRENT.set(self._traceparent)

    def __exit__(self, *_: object) -> None:
        _CURRENT.reset(self._token)


def within(traceparent: str | None) -> _Within:
    """Have a context under way for the block; with None there is none."""
    return _Within(traceparent)
