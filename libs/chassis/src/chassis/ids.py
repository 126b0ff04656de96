"""Sortable, prefixed identifiers (TypeID over UUIDv7).

Invariant: `next_id` never answers an id that is not greater than its predecessor, whatever the clock does, so that the
order of ids is the order of events of one resource.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from typeid import TypeID
from typeid.codecs.base32 import decode, encode

_RANDOM_BITS = 74
_VERSION_7 = 0x7
_VARIANT = 0b10


@dataclass(frozen=True)
class Ids:
    """The makers of ids, handed to the use cases as the clock is: whoever composes them decides on every id.

    Attributes:
        new: makes a fresh id with a prefix.
        following: makes an id with a prefix that is greater than the one given and carries the instant.
    """

    new: Callable[[str], str]
    following: Callable[[str, str | None, datetime], str]


def new_id(prefix: str) -> str:
    """Make a fresh id such as `bk_01h455vb4pex5vsknk084sn02q`.

    Args:
        prefix: what the id names, lower case, without the underscore.
    """
    return str(TypeID(prefix))


def next_id(prefix: str, previous: str | None, at: datetime) -> str:
    """Make an id that carries the instant `at` and sorts after `previous`.

    Args:
        prefix: what the id names; the same as in `previous`.
        previous: the id that must sort before the new one, or None.
        at: the instant whose milliseconds lead the id; where they do not lead past `previous`, its successor is made.
    """
    candidate = _compose(int(at.timestamp() * 1000), secrets.randbits(_RANDOM_BITS))
    if previous is not None:
        last = _number(previous)
        if candidate <= last:
            candidate = _successor(last)
    return f"{prefix}_{encode(candidate.to_bytes(16, 'big'))}"


def _compose(millis: int, noise: int) -> int:
    """Lay out a UUIDv7: 48 bits of milliseconds, version, 12 bits of noise, variant, 62 bits of noise (RFC 9562)."""
    return millis << 80 | _VERSION_7 << 76 | noise >> 62 << 64 | _VARIANT << 62 | noise & (1 << 62) - 1


def _number(identifier: str) -> int:
    return int.from_bytes(bytes(decode(identifier.rsplit("_", 1)[1])), "big")


def _successor(number: int) -> int:
    """Step the noise of a UUIDv7 by one, carrying into its milliseconds when all of it is used."""
    noise = (number >> 64 & 0xFFF) << 62 | number & (1 << 62) - 1
    stepped = noise + 1
    return _compose((number >> 80) + (stepped >> _RANDOM_BITS), stepped & (1 << _RANDOM_BITS) - 1)
