"""Cal.com's webhooks: whether one is genuine, whether it came before, and what is to be read again because of it.

Invariant: what a webhook says is never believed beyond the uids that it names; the booking itself is read anew. Cal.com
gives no delivery id and no time of sending (scheduling.md section 1), so the body is its own identity.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_UIDS = ("uid", "bookingUid", "rescheduleUid")
_PING = "PING"


@dataclass(frozen=True, slots=True)
class Refetch:
    """Bookings of which something happened: the one meant first, then the one that it was rescheduled from."""

    trigger: str
    uids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Nothing:
    """It is about no booking: a test, or what another kind of thing met."""

    trigger: str
    is_ping: bool


@dataclass(frozen=True, slots=True)
class Malformed:
    """It is no webhook of Cal.com's."""


Meaning = Refetch | Nothing | Malformed


def signature(secret: str, body: bytes) -> str:
    """Sign a body as Cal.com does for `X-Cal-Signature-256`: the HMAC-SHA256 in hex, without a prefix."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def is_genuine(secret: str, body: bytes, signed: str | None) -> bool:
    """Tell whether a body was signed with the secret, in a time that does not depend on how wrong it is.

    Args:
        secret: the integration's.
        body: as it came, byte for byte.
        signed: the header; without a secret of its own Cal.com sends `no-secret-provided`, which is not genuine.
    """
    given = (signed or "").strip().lower().encode(errors="replace")
    return hmac.compare_digest(signature(secret, body).encode(), given)


def replay_key(body: bytes) -> str:
    """Tell by what the same webhook is known when it comes again: the hash of its body."""
    return hashlib.sha256(body).hexdigest()


def meaning(body: bytes) -> Meaning:
    """Tell what a genuine webhook asks for.

    Templates of the organization's own, and the triggers at a meeting's start and end, have no `payload`: then the
    uids are looked for at the top.
    """
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return Malformed()
    if not isinstance(told, dict):
        return Malformed()
    trigger = told.get("triggerEvent")
    trigger = trigger if isinstance(trigger, str) else ""
    payload = told.get("payload")
    uids = _named(payload if isinstance(payload, dict) else told)
    if trigger != _PING and uids:
        return Refetch(trigger, uids)
    return Nothing(trigger, is_ping=trigger == _PING)


def _named(told: Mapping[str, Any]) -> tuple[str, ...]:
    found = (told.get(name) for name in _UIDS)
    return tuple(dict.fromkeys(uid for uid in found if isinstance(uid, str) and uid))
