"""Which events a subscription wants.

Invariant: only the catalog's public types can be wanted; what travels on the topics as bookkeeping is never matched,
whatever the pattern (events.md section 2).
"""

from collections.abc import Iterable, Sequence

from slotwire_contracts import public_types
from webhook_dispatcher.domain.errors import Flaw, ValidationFailedError

EVERYTHING = "*"
_FAMILY = ".*"


def expand(patterns: Iterable[str]) -> frozenset[str]:
    """Tell the types that patterns stand for: exact types, `reservation.*` and `*`; unknown ones for none."""
    return frozenset(one for pattern in patterns for one in public_types() if _matches(pattern, one))


def check_patterns(patterns: Sequence[str]) -> tuple[str, ...]:
    """Answer the patterns, each once.

    Raises:
        ValidationFailedError: some stand for no type, or there is none.
    """
    if not patterns:
        raise ValidationFailedError(Flaw("events", "must name at least one type of event", "too_short"))
    unknown = [one for one in dict.fromkeys(patterns) if not expand([one])]
    if unknown:
        raise ValidationFailedError(*(Flaw("events", _no_type(one), "unknown") for one in unknown))
    return tuple(dict.fromkeys(patterns))


def _matches(pattern: str, event_type: str) -> bool:
    if pattern == EVERYTHING:
        return True
    if pattern.endswith(_FAMILY):
        return event_type.startswith(pattern[:-1])
    return pattern == event_type


def check_type(event_type: str) -> str:
    """Answer a type of event that can be wanted.

    Raises:
        ValidationFailedError: the catalog has no such public type.
    """
    if event_type not in public_types():
        raise ValidationFailedError(Flaw("event", _no_type(event_type), "unknown"))
    return event_type


def _no_type(pattern: str) -> str:
    return f"must not be {pattern!r}, which is no type of event; GET /api/v1/webhooks/event-types lists them"
