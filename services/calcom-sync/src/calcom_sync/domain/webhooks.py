"""Cal.com's webhooks: whether one is genuine, whether it came before, and what is to be read again because of it.

Invariant: what a webhook says is never believed beyond the uids that it names; the booking itself is read anew. Cal.com
gives no delivery id and no time of sending (scheduling.md section 1), so a body that says when it was written is its
own identity; one that does not, of an organization's own template, may have the same words about something else.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from calcom_sync.domain.row import UID

_UIDS = ("uid", "bookingUid", "rescheduleUid")
_PING, _OF_BOOKINGS = "PING", "BOOKING_"
_WRITING_NOTHING = ("MEETING_", "RECORDING_")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_WRITTEN = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z")  # to the millisecond: no two say the same


@dataclass(frozen=True, slots=True)
class Refetch:
    """Bookings of which something happened: the one meant first, then the one that it was rescheduled from.

    Attributes:
        said_at: when Cal.com says so, by its own clock; None if it does not tell, or has written nothing then.
        is_unique: no other webhook has the same body, as it says when it was written.
    """

    uids: tuple[str, ...]
    said_at: datetime | None = None
    is_unique: bool = False


@dataclass(frozen=True, slots=True)
class Nothing:
    """It is about no booking: a test, or what another kind of thing met."""

    is_ping: bool


@dataclass(frozen=True, slots=True)
class Malformed:
    """It is no webhook of Cal.com's.

    Attributes:
        param: the field that is at fault.
        message: what it must be.
    """

    param: str
    message: str


Meaning = Refetch | Nothing | Malformed


def signature(secret: str, body: bytes) -> str:
    """Sign a body as Cal.com does for `X-Cal-Signature-256`: the HMAC-SHA256 in hex, without a prefix."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def signed_with(header: str | None) -> str | None:
    """Read a webhook's signature; None where there is none that any secret could have made.

    Without a secret of its own Cal.com sends `no-secret-provided`.
    """
    given = (header or "").strip().lower()
    return given if _SIGNATURE.fullmatch(given) else None


def is_genuine(secrets: Iterable[str], body: bytes, signed: str) -> bool:
    """Tell whether a body was signed with one of the secrets, in a time that does not depend on how wrong it is.

    Args:
        secrets: the integration's, with the one before it while that is still good.
        body: as it came, byte for byte.
        signed: its signature, as `signed_with` reads it.
    """
    given = signed.encode()
    return any([hmac.compare_digest(signature(secret, body).encode(), given) for secret in secrets])  # noqa: C419 - all


def replay_key(body: bytes) -> bytes:
    """Tell by what the same webhook is known when it comes again, if its body is its own: the hash of that."""
    return hashlib.sha256(body).digest()


def meaning(body: bytes) -> Meaning:
    """Tell what a genuine webhook asks for.

    Templates of the organization's own, and the triggers at a meeting's start and end, have no `payload`: then the
    uids are looked for at the top.
    """
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return Malformed("body", "must be JSON")
    if not isinstance(told, dict):
        return Malformed("body", "must be a JSON object")
    trigger = told.get("triggerEvent")
    if not isinstance(trigger, str | None):
        return Malformed("triggerEvent", "must be a text")
    trigger = trigger or ""
    if trigger == _PING:
        return Nothing(is_ping=True)
    payload = told.get("payload")
    where, named = ("payload.", payload) if isinstance(payload, dict) else ("", told)
    return _asked_for(trigger, where, named, told.get("createdAt"))


def _asked_for(trigger: str, where: str, named: Mapping[str, Any], written: object) -> Meaning:
    found = {name: named[name] for name in _UIDS if named.get(name) is not None}
    for name, uid in found.items():
        if not isinstance(uid, str) or not UID.match(uid):
            return Malformed(f"{where}{name}", "must be 1 to 255 visible ASCII characters")
    if found:
        is_unique = isinstance(written, str) and _WRITTEN.fullmatch(written) is not None
        return Refetch(tuple(dict.fromkeys(found.values())), _said_at(trigger, written), is_unique)
    if trigger.startswith(_OF_BOOKINGS):
        return Malformed(f"{where}uid", "must be there")
    return Nothing(is_ping=False)


def _said_at(trigger: str, told: object) -> datetime | None:
    """Read when a webhook was written, which is right after the booking was, if it was."""
    if trigger.startswith(_WRITING_NOTHING) or not isinstance(told, str):
        return None
    try:
        read = datetime.fromisoformat(told)
        return (read.replace(tzinfo=UTC) if read.tzinfo is None else read).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
