"""Which events a subscription wants.

Invariant: only the catalog's public types can be wanted; what travels on the topics as bookkeeping is never matched,
whatever the pattern (events.md section 2).
"""

from collections.abc import Iterable, Sequence

from slotwire_contracts import public_types
from webhook_dispatcher.domain.errors import ValidationFailedError

EVERYTHING = "*"
_FAMILY = ".*"


def expand(patterns: Iterable[str]) -> frozenset[str]:
    """Tell the types that patterns stand for: exact types, `reservation.*` and `*`; unknown ones for none."""
    return frozenset(one for pattern in patterns for one in public_types() if _matches(pattern, one))


def check_patterns(patterns: Sequence[str]) -> tuple[str, ...]:
    """Answer the patterns, each once.

    Raises:
        ValidationFailedError: one stands for no type, or there is none.
    """
    if not patterns:
        raise ValidationFailedError("at least one type of event is needed", param="events", rule="too_short")
    for pattern in patterns:
        if not any(_matches(pattern, one) for one in public_types()):
            raise ValidationFailedError(
                f"{pattern!r} is no type of event; GET /api/v1/webhooks/event-types lists them",
                param="events",
                rule="unknown",
            )
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
        raise ValidationFailedError(f"{event_type!r} is no type of event", param="event", rule="unknown")
    return event_type
