"""Servers given from outside: `SLOTWIRE_POSTGRES_URL` and `SLOTWIRE_KAFKA_BOOTSTRAP` instead of the embedded ones.

Invariant: an address that this clone's own servers had is not "given". A shell that sourced the env file still carries
them after the stack went down, and must be able to bring it up again.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from devstack.record import read_json
from devstack.servers import ADDRESSES


@dataclass(frozen=True)
class Given:
    """The addresses given from outside; None where the embedded server is wanted."""

    postgres_url: str | None = None
    kafka_bootstrap: str | None = None

    @classmethod
    def from_environment(cls, data: Path) -> Self:
        """Read both from the environment; `data` is where the embedded servers keep theirs."""
        own = set(read_json(data / ADDRESSES).values())
        wanted = (os.environ.get("SLOTWIRE_POSTGRES_URL"), os.environ.get("SLOTWIRE_KAFKA_BOOTSTRAP"))
        return cls(*(None if not address or address in own else address for address in wanted))
