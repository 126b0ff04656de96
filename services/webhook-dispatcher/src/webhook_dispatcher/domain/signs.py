"""What an attempt tells of its endpoint, which is not the same as what becomes of its delivery.

Invariant: an endpoint that answers is there, whatever it thinks of one delivery; only what it takes tells that it is
well.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import assert_never

from webhook_dispatcher.domain.decision import parse_retry_after
from webhook_dispatcher.domain.exchange import Answer, Exchange, Failure, is_success

LONGEST_REST = 60.0
"""Seconds: an endpoint that asks for more is asked again then, though the delivery that it answered waits in full."""

_OVERLOADED = frozenset({429, 502, 504})
_TIMED_OUT = 408


class Manner(Enum):
    """How an endpoint took an attempt."""

    TAKEN = "taken"
    REFUSED = "refused"  # this delivery, which says nothing about others
    OVERLOADED = "overloaded"  # "429, 502, 504: retried, and the endpoint is slowed" (events.md section 4)
    FAILED = "failed"

    def __init__(self, word: str) -> None:
        self.is_answer = word in {"taken", "refused"}  # an endpoint that is there and has time


@dataclass(frozen=True, slots=True)
class Sign:
    """How an endpoint took an attempt, and for how many seconds it asks to be left alone."""

    manner: Manner
    rest: float = 0.0


_TAKEN, _REFUSED, _FAILED = Sign(Manner.TAKEN), Sign(Manner.REFUSED), Sign(Manner.FAILED)


def sign_of(exchange: Exchange, now: datetime) -> Sign:
    """Tell what an exchange that ended now says about its endpoint."""
    match exchange:
        case Answer(status=status) if is_success(status):
            return _TAKEN
        case Answer(status=status, headers=headers) if status in _OVERLOADED:
            return Sign(Manner.OVERLOADED, _rest(headers.get("retry-after"), now))
        case Answer(status=status) if status >= 500 or status == _TIMED_OUT:  # noqa: PLR2004 - the server's failures
            return _FAILED
        case Answer():
            return _REFUSED
        case Failure():
            return _FAILED
        case _:
            assert_never(exchange)


def _rest(retry_after: str | None, now: datetime) -> float:
    until = parse_retry_after(retry_after, now)
    return 0.0 if until is None else min(LONGEST_REST, max(0.0, (until - now).total_seconds()))
