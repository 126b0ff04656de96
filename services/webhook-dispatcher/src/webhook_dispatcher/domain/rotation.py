"""Rotating a subscription's secret (events.md section 4).

Invariants: a secret that was rotated away signs for 24 hours more, so a receiver has that long to take the new one; the
signatures of one delivery are at most `MAX_OLD` and one, however often a secret is rotated.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from webhook_dispatcher.domain.errors import Flaw, ValidationFailedError

GRACE = timedelta(hours=24)
MAX_OLD = 3


@dataclass(frozen=True, slots=True)
class OldSecret:
    """A secret that was rotated away.

    Attributes:
        key: its bytes.
        until: when it signs no more.
    """

    key: bytes = field(repr=False)
    until: datetime


def retire(present: bytes | None, old: Sequence[OldSecret], new: bytes, now: datetime) -> tuple[OldSecret, ...]:
    """Tell which secrets sign beside a new one, the newest first.

    Args:
        present: the secret that the new one replaces; None if it cannot be read.
        old: those that were replaced before.
        new: the new secret; if it is one of the old ones it signs once.
        now: when it is replaced.

    Raises:
        ValidationFailedError: the new secret is the present one.
    """
    if new == present:
        raise ValidationFailedError(Flaw("secret", "must be another than the present one", "unchanged"))
    replaced = () if present is None else (OldSecret(present, now + GRACE),)
    kept = [one for one in (*replaced, *old) if one.until > now and one.key != new]
    return tuple(kept[:MAX_OLD])


def signing_keys(present: bytes, old: Sequence[OldSecret], now: datetime) -> list[bytes]:
    """List the secrets that sign now, the newest first."""
    return [present, *(one.key for one in old if one.until > now)]
