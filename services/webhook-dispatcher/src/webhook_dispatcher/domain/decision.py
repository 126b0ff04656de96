"""What follows from an attempt: the table of events.md section 4 as one pure function.

Invariant: every exchange has exactly one verdict, and only a 2xx is a delivery.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import assert_never

from webhook_dispatcher.domain.exchange import Answer, Exchange, Failure, is_success
from webhook_dispatcher.domain.retry import RetryPolicy

MAX_RETRY_AFTER = timedelta(hours=24)
_GONE = 410


@dataclass(frozen=True, slots=True)
class Delivered:
    """The endpoint took it."""


@dataclass(frozen=True, slots=True)
class Retry:
    """It failed and is tried again, not before `due`."""

    due: datetime


@dataclass(frozen=True, slots=True)
class Exhausted:
    """It failed, and no attempt is left."""


@dataclass(frozen=True, slots=True)
class EndpointGone:
    """The endpoint asks for nothing any more: its subscription is disabled at once."""


Verdict = Delivered | Retry | Exhausted | EndpointGone


def decide(exchange: Exchange, attempt: int, policy: RetryPolicy, noise: float, now: datetime) -> Verdict:
    """Tell what follows from an attempt (events.md section 4).

    Args:
        exchange: what became of the attempt.
        attempt: its number in its round, from 1.
        policy: the subscription's pauses.
        noise: a number in [0, 1) that moves the pause.
        now: when the exchange ended.
    """
    match exchange:
        case Answer(status=status) if is_success(status):
            return Delivered()
        case Answer(status=status) if status == _GONE:
            return EndpointGone()
        case Answer() | Failure():
            return _failed(exchange, attempt, policy, noise, now)
        case _:
            assert_never(exchange)


def _failed(exchange: Exchange, attempt: int, policy: RetryPolicy, noise: float, now: datetime) -> Verdict:
    pause = policy.pause(attempt, noise)
    if pause is None:
        return Exhausted()
    due = now + timedelta(seconds=pause)
    asked = _asked(exchange, now)
    # An endpoint says when it can be asked again at the earliest; coming later by its own schedule obeys that too,
    # and keeps an endpoint that always says "one second" from using up its attempts in ten.
    return Retry(due if asked is None else max(due, asked))


def _asked(exchange: Exchange, now: datetime) -> datetime | None:
    """Tell when the endpoint asks to be tried again, if it does."""
    match exchange:
        case Answer(headers=headers):
            return parse_retry_after(headers.get("retry-after"), now)
        case Failure():
            return None
        case _:
            assert_never(exchange)


def parse_retry_after(value: str | None, now: datetime) -> datetime | None:
    """Read a `Retry-After`, seconds or an HTTP date (RFC 9110, section 10.2.3), cut to 24 hours; None if it is none."""
    if value is None:
        return None
    text = value.strip()
    latest = now + MAX_RETRY_AFTER
    is_number = text.isascii() and text.isdigit()
    try:
        if is_number:
            return min(now + timedelta(seconds=int(text)), latest)
        date = parsedate_to_datetime(text)
        return min(date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC), latest)
    except OverflowError:
        return latest  # a number or a date beyond what Python counts
    except ValueError:
        return latest if is_number else None
