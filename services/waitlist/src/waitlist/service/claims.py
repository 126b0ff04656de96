"""The links with which guests answer offers.

Invariant: a link is sealed, so that nobody makes one up or changes it; it names one entry and the end of its own time.
"""

import base64
import json
from datetime import datetime

from chassis.crypto import Sealer
from waitlist.domain.entry import Entry

CONTEXT = b"waitlist.claim"


class Claims:
    """Makes links to the guest's own page.

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
        token = base64.urlsafe_b64encode(self._sealer.seal(told, context=CONTEXT)).rstrip(b"=").decode()
        return f"{self._public_url}/w/{token}"
