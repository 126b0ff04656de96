"""The links to the pages with which guests answer offers.

Invariant: a link is sealed, so that nobody makes one up or changes it; it names one entry and the end of its own time.
"""

import base64
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from chassis.crypto import Sealer, SealError
from waitlist.domain.entry import Entry

CONTEXT = b"waitlist.claim"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,1000}")


@dataclass(frozen=True)
class Claim:
    """What a link carries: the entry that it is of, and until when it is good."""

    org_id: str
    entry_id: str
    until: datetime


class Claims:
    """Makes links to the guest's own page, and reads them.

    Args:
        public_url: where guests reach this service, without a path.
        sealer: seals what a link carries.
    """

    def __init__(self, public_url: str, sealer: Sealer) -> None:
        self._public_url = public_url.rstrip("/")
        self._sealer = sealer

    def url(self, entry: Entry, until: datetime) -> str:
        """Make a link to an entry's page that is good until an instant."""
        told = json.dumps([entry.org_id, entry.id, int(until.timestamp())]).encode()
        return f"{self._public_url}/w/{_written(self._sealer.seal(told, context=CONTEXT))}"

    def read(self, token: str) -> Claim | None:
        """Read a link's last part; None of one that was not made here, to the letter."""
        if not _TOKEN.fullmatch(token) or len(token) % 4 == 1:
            return None
        sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        if _written(sealed) != token:
            return None  # a last letter may have bits that stand for nothing
        try:
            org_id, entry_id, until = json.loads(self._sealer.open(sealed, context=CONTEXT))
        except SealError:
            return None
        return Claim(org_id, entry_id, datetime.fromtimestamp(until, UTC))


def _written(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
